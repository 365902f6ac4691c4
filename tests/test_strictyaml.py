"""YAML is read without guessing: bombs, tags, doubled keys and surprising scalars are refused, by line and key."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement_stats import catalogue
from engagement_stats.catalogue import strictyaml
from engagement_stats.errors import CatalogueError

NUMBER = "not a plain finite decimal number"


def refused(folder: Path, content: str | bytes) -> str:
    path = folder / "f.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CatalogueError) as caught:
        strictyaml.read(path)
    return str(caught.value)


LAUGHS = "a: &a [lol, lol]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
)
MERGES = "a: &a {k: 0}\n" + "".join(f"m{n}: &m{n} {{<<: [*a, *a], k{n}: 1}}\n" for n in range(6))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LAUGHS, "f.yaml line 1: key a: anchors and aliases are refused."),
        (MERGES, "f.yaml line 1: key a: anchors and aliases are refused."),
        ("a: 1\nb: {<<: {c: 1}}\n", "f.yaml line 2: key b: merge keys are refused."),
        ("a: 1\nrun: !!python/object/apply:os.system ['true']\n", "f.yaml line 2: key run: tags are refused."),
        ("x: !!python/name:os.system\n", "f.yaml line 1: key x: tags are refused."),
        ("a: !!str x\n", "f.yaml line 1: key a: tags are refused."),
        ("[" * 20_000 + "]" * 20_000, "f.yaml line 1: nested more than 30 deep"),
        ("".join(" " * n + f"a{n}:\n" for n in range(100)), "f.yaml line 30: nested more than 30 deep"),
        ("a: [" + "1," * 60_000 + "]", "f.yaml: larger than 100000 bytes"),
        ("weight: x\nweight: y\n", "f.yaml line 2: the key 'weight' is given twice"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", "f.yaml line 4: the key 'b' is given twice"),
        ("a: {1: x, 1.0: y}\n", "f.yaml line 1: the key 1.0 is given twice"),
        ("? [a]\n: 1\n", "f.yaml line 1: the key ['a'] is given twice or is not a plain key"),
        ("rules:\n  alpha: .nan\n", f"f.yaml line 2: key rules.alpha: {NUMBER}"),
        ("a:\n- 1\n- .inf\n", f"f.yaml line 3: key a: {NUMBER}"),
        ("a: -.INF\n", f"f.yaml line 1: key a: {NUMBER}"),
        ("a: 1.0e+400\n", f"f.yaml line 1: key a: {NUMBER}"),
        ("min_base: " + "9" * 5000, f"f.yaml line 1: key min_base: {NUMBER}"),
        ("a: 0x" + "f" * 5000, f"f.yaml line 1: key a: {NUMBER}"),
        ("wave: 010\n", f"f.yaml line 1: key wave: {NUMBER}"),
        ("rows: 1_000\n", f"f.yaml line 1: key rows: {NUMBER}"),
        ("time: 12:30:00\n", f"f.yaml line 1: key time: {NUMBER}"),
        ("start: 2023-02-30\n", "f.yaml line 1: key start: not a day of the calendar"),
        ("start: 2023-02-03 10:00:00\n", "f.yaml line 1: key start: not a day of the calendar"),
        ('file: "a\\0b.sav"\n', "f.yaml line 1: key file: control characters are refused"),
        ('"a\\x07": 1\n', "f.yaml line 1: control characters are refused"),
        ("a: 1\n---\nb: 2\n", "f.yaml line 2: "),
        ("- a\n", "f.yaml: the top level is not a mapping of names"),
        ("1: a\n", "f.yaml: the top level is not a mapping of names"),
        ("a:\n\tb: 1\n", "f.yaml line 2: "),
        (b"a: caf\xe9\n", "f.yaml: not UTF-8 text"),
        ("a: 1\n".encode("utf-16"), "f.yaml: not UTF-8 text"),
        (b"a: \x00\n", "f.yaml: not YAML"),
    ],
    ids=range(33),
)
def test_what_could_mean_something_else_is_refused_by_line_and_key(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    assert refused(tmp_path, content).startswith(message)


def test_plain_values_are_what_they_seem(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(
        "a: [1, -9, 0, +3, 1.5, .5, 2., true, null]\nb: [No, yes, on, 1e9, '010', 2016-12-02]\nc: {1: x, -8: y}\n",
        encoding="utf-8",
    )
    read = strictyaml.read(path)
    assert read["a"] == [1, -9, 0, 3, 1.5, 0.5, 2.0, True, None]
    assert [str(v) for v in read["b"]] == ["No", "yes", "on", "1e9", "010", "2016-12-02"]
    assert read["c"] == {1: "x", -8: "y"}
    path.write_text("", encoding="utf-8")
    assert strictyaml.read(path) == {}


@given(st.text(alphabet="ab:-[]{},&*!|>'\"#%@ \n\t0.~?<", max_size=60))
def test_any_text_is_read_or_refused_with_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        strictyaml.read(path)
    except CatalogueError as error:
        assert str(error).startswith("any.yaml")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("rules.yaml", "  min_base: 30", "  min_bse: 30", "min_bse"),
        ("rules.yaml", "  min_base: 30", "  min_base: -5", "min_base"),
        ("rules.yaml", "  min_base: 30", "  min_base: .nan", "rules.yaml line "),
        ("rules.yaml", "  min_base: 30", "  min_base: 30\n  min_base: 1", "the key 'min_base' is given twice"),
        ("waves/cls_2021_22.yaml", "figures: cls.csv", "figures: ../figures/cls.csv", "figures"),
        ("waves/cls_2021_22.yaml", "figures: cls.csv", "figures: /etc/passwd", "figures"),
        ("waves/hansard_audit_2016.yaml", "    - audit_of_", "    - ../../audit_of_", "pattern"),
    ],
    ids=["typing mistake", "negative", "no number", "twice", "out of the folder", "absolute", "pattern with folders"],
)
def test_the_catalogue_refuses_what_would_disable_a_rule_or_lead_elsewhere(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    folder = Path(shutil.copytree(catalogue.DEFAULT, tmp_path / "catalogue"))
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        catalogue.load(folder)
    assert name in str(caught.value)
    assert message in str(caught.value)
