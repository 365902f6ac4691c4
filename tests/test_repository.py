"""The repository: what every module says of itself, what is pinned, what is not committed, what links lead to."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import duckdb
import pytest
from workbench import ROOT

from engagement_stats import cli

MODULES = sorted([*(ROOT / "src" / "engagement_stats").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")])
DOCUMENTS = sorted(
    [*(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")),
     *(ROOT / "docs").rglob("*.md")]
)  # fmt: skip
DATA_SUFFIXES = (".sav", ".zsav", ".dta", ".tab", ".parquet", ".duckdb", ".db", ".xlsx", ".zip", ".gz", ".pkl", ".por")
# Facts in text form that belong to the repository: the catalogue's figures and the tests' reference values.
ALLOWED_CSV = ("src/engagement_stats/catalogue/data/", "tests/reference/", "bench/", "docs/")


def tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in found.split("\0") if name]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_module_says_what_belongs_elsewhere(module: Path) -> None:
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert text
    if module.name != "__init__.py" or module.parent.name == "pipelines":
        assert "Not here" in text


def test_no_path_of_a_machine_is_committed() -> None:
    """No home folder, no folder of a build machine; /tmp in an example is anybody's."""
    pattern = re.compile(r"(?<![\w.])/(?:home|Users|root|work|mnt)/\w")
    found = []
    for name in tracked():
        path = ROOT / name
        if path.is_file() and path.suffix in (".py", ".toml", ".yaml", ".md", ".sql", ".lock", ".cfg", ""):
            text = path.read_text(encoding="utf-8", errors="ignore")
            found += [f"{name}: {hit.group()}" for hit in pattern.finditer(text) if name != "tests/test_repository.py"]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_no_registry_is_written_down(name: str) -> None:
    """Whoever installs chooses the registry; a mirror of ours is nobody's business."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://", text)
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host", text)


def test_every_requirement_is_pinned_with_its_hash() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = [e for e in re.split(r"\n(?=\S)", text.replace("\\\n", " ")) if e.strip() and not e.startswith("#")]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[\w.\[\],-]+==[\w.+!-]+( *;.*?)?\s+--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


def test_every_dependency_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.match(r"[\w.-]+", w).group().lower().replace("_", "-") for w in wanted}  # type: ignore[union-attr]
    locked = set(re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==", (ROOT / "requirements.lock").read_text(), flags=re.M))
    assert names <= {name.lower() for name in locked}


def test_no_data_file_is_committed() -> None:
    names = tracked()
    assert not [n for n in names if n.lower().endswith(DATA_SUFFIXES)]
    assert not [n for n in names if n.lower().endswith((".csv", ".tsv")) and not n.startswith(ALLOWED_CSV)]
    assert not [n for n in names if n.startswith(("data/", "demo/", ".dagster/", "warehouse/releases/"))]


@pytest.mark.parametrize(
    "name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs/decisions.md",
             "docs/glossary.md", "dagster.yaml", "Makefile", ".ci/run"]
)  # fmt: skip
def test_delivered_file_is_there_and_not_empty(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_readme_first_screen_names_the_two_commands() -> None:
    screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:45])
    assert "make demo" in screen
    assert "make test" in screen
    assert "SYNTHETIC" in screen


def test_readme_says_which_data_to_fetch_and_under_what_licence() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for said in ("UK Data Service", "European Social Survey", "8183", "7577", "data/landing", "icence"):
        assert said in text


def test_documents_name_only_commands_there_are() -> None:
    actions = [a for a in cli.parser()._actions if a.choices]
    commands = set(actions[0].choices or ())
    for document in DOCUMENTS:
        used = re.findall(r"`(?:\$ )?engagement-stats ([a-z]+)", document.read_text(encoding="utf-8"))
        assert set(used) <= commands, document.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve()
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), flags=re.M)
            slugs = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, target


def test_every_table_view_and_column_of_the_warehouse_is_explained() -> None:
    with duckdb.connect() as connection:
        for name in ("schema.sql", "views.sql"):
            connection.execute((ROOT / "warehouse" / name).read_text(encoding="utf-8"))
        silent = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND coalesce(comment, '') = '' "
            "UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal AND coalesce(comment, '') = '' "
            "UNION ALL SELECT c.table_name || '.' || c.column_name FROM duckdb_columns() c "
            "JOIN duckdb_tables() t USING (table_name) WHERE NOT c.internal AND coalesce(c.comment, '') = ''"
        ).fetchall()
    assert silent == []


def test_the_gate_runs_the_test_command_of_the_readme() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_architecture_names_every_module() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = {part for name in re.findall(r"`([\w/. ]+)`", text) for part in name.replace(".py", "").split("/")}
    modules = {p.stem for folder in ("src/engagement_stats", "pipelines") for p in (ROOT / folder).rglob("*.py")}
    assert modules - {"__init__"} - named == set()
