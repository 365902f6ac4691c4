"""The command line: what it says where, and with which exit status."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pandas as pd
import pytest
from workbench import CLS_2018, CLS_2019, COMMAND, POLL, Project, Told, built, edit_text

from engagement_stats import catalogue, check_text, show
from engagement_stats.errors import CatalogueError

COMMANDS = {
    "demo", "run", "status", "inspect", "check", "places", "estimate", "weight", "headlines", "claims", "ui",
    "purge", "releases", "export", "brief",
}  # fmt: skip
HEAVY = ("pandas", "numpy", "duckdb", "dagster", "statsmodels", "scipy", "pyarrow", "pyreadstat", "pydantic", "rich")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return built(tmp_path_factory)[0]


@pytest.fixture
def told(released: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    """Commands that read only, on the project built once."""
    return Told(released, capsys, monkeypatch)


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    """Commands in a home folder with nothing in it."""
    project = Project(tmp_path / "home")
    project.workspace.data.mkdir(parents=True)
    return Told(project, capsys, monkeypatch)


# Help and wrong calls


def test_help_lists_the_commands_that_work(told: Told) -> None:
    code, out, err = told("--help")
    assert code == 0
    assert err == ""
    listed = {line.split()[0] for line in out.splitlines() if line.startswith("    ") and line[4:5].strip()}
    assert listed == COMMANDS
    for command in COMMANDS:
        code, out, _ = told(command, "--help")
        assert code == 0
        assert f"engagement-stats {command}" in out


@pytest.mark.parametrize("arguments", [["--help"], ["estimate", "--help"], ["weight", "--help"]])
def test_help_imports_no_heavy_library(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom engagement_stats.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


WRONG = {
    "no command": [],
    "unknown command": ["conquer"],
    "unknown option": ["headlines", "--colour", "red"],
    "unknown format": ["headlines", "--format", "xml"],
    "no variable": ["estimate", "file.csv"],
    "confidence of 95": ["estimate", "file.csv", "--variable", "v", "--confidence", "95"],
    "confidence in words": ["estimate", "file.csv", "--variable", "v", "--confidence", "high"],
    "a row of names before the first": ["inspect", "file.xlsx", "--header-row", "0"],
    "unknown interval": ["estimate", "file.csv", "--variable", "v", "--interval", "bayes"],
}


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_exits_2(told: Told, call: str) -> None:
    code, out, err = told(*WRONG[call])
    assert code == 2
    assert out == ""
    assert "usage: engagement-stats" in err


# Headlines and claims


def test_json_has_the_numbers_that_csv_has(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = [27.2, 0.1 + 0.2, 1 / 3, 1.5e-17, float("nan"), float("inf")]
    data = pd.DataFrame({
        "number": numbers, "count": pd.array([1, 2, 3, 4, 5, None], dtype="Int64"), "is": [True] * 6,
        "text": ["é", "b", "c", "d", "e", None],
    })  # fmt: skip
    show.frame(data, "json")
    out = capsys.readouterr().out
    assert out.startswith('[{"number":27.2,"count":1,"is":true,"text":"é"},{"number":0.30000000000000004,')
    assert [row["number"] for row in json.loads(out)] == [*numbers[:4], None, None]
    assert json.loads(out)[-1] == {"number": None, "count": None, "is": True, "text": None}
    show.frame(data, "csv")
    written = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()[1:5]]
    assert written == [json.dumps(row["number"]) for row in json.loads(out)[:4]]


def test_headlines_read_back_in_every_format(told: Told, released: Project) -> None:
    expected = released.query("SELECT * FROM headline_table ORDER BY position, wave")
    code, out, err = told("headlines", "--format", "csv")
    assert (code, err) == (0, "")
    as_csv = pd.read_csv(io.StringIO(out))
    code, out, err = told("headlines", "--format", "json")
    assert (code, err) == (0, "")
    as_json = json.loads(out)
    assert list(as_csv.columns) == list(expected.columns) == list(as_json[0])
    assert as_csv["headline" if "headline" in as_csv else "label"].tolist() == expected["label"].tolist()
    numbers = expected["per_cent"].astype("object").where(expected["per_cent"].notna(), None).tolist()
    assert None in numbers  # one is withheld, and has no number in any format
    assert as_csv["per_cent"].astype("object").where(as_csv["per_cent"].notna(), None).tolist() == numbers
    assert [row["per_cent"] for row in as_json] == numbers
    assert [row["is_synthetic"] for row in as_json] == expected["is_synthetic"].tolist()
    assert as_csv["mark"].fillna("").tolist() == expected["mark"].tolist()


def test_headlines_as_a_table_say_synthetic(told: Told) -> None:
    code, out, err = told("headlines")
    assert (code, err) == (0, "")
    assert "Headlines (per cent, 95% interval)" in out
    assert "SYNTHETIC: rows so marked rest on invented respondents. Never quote them." in out
    assert out.count("SYNTHETIC") >= 9


def test_claims_show_verdict_quotation_and_evidence(told: Told, released: Project) -> None:
    expected = released.query("SELECT * FROM claims ORDER BY claim")
    code, out, err = told("claims")
    assert (code, err) == (0, "")
    flat = "".join(out.split())
    for row in expected.itertuples():
        assert f"{row.claim}: {row.verdict.upper()}" in out
        assert "".join(row.quotation.split()) in flat
        assert "".join(row.evidence.split()) in flat
    code, out, err = told("claims", "--format", "json")
    assert (code, err) == (0, "")
    assert [row["claim"] for row in json.loads(out)] == expected["claim"].tolist()
    code, out, _ = told("claims", "--format", "csv")
    assert pd.read_csv(io.StringIO(out))["sentence"].tolist() == expected["sentence"].tolist()


def test_a_text_is_read_with_the_words_of_the_catalogue_that_is_set(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text.md"
    text.write_text("In 2019-20, 41 per cent of adults took part in civic participation.", encoding="utf-8")
    assert told("claims", text)[0] == 0
    monkeypatch.setenv("ENGAGEMENT_STATS_CATALOGUE", str(tmp_path / "elsewhere"))
    code, _, err = told("claims", text)
    assert (code, err.count("elsewhere") > 0) == (1, True)


@pytest.mark.parametrize("column", ["wave", "indicator", "domain"])
def test_a_release_of_another_catalogue_is_said_to_be_one(released: Project, column: str) -> None:
    estimates, comparisons = (released.query(f"SELECT * FROM {t}") for t in ("estimates", "comparisons"))
    strange = estimates.assign(**{column: estimates[column].where(estimates.index > 0, "my_own")})
    with pytest.raises(CatalogueError, match=r"made with another catalogue\. Got my_own,.* Name it with --catalogue"):
        check_text.check([], catalogue.load(), strange, comparisons)


@pytest.mark.parametrize("command", ["headlines", "claims"])
def test_without_a_release_the_error_says_what_to_do(empty: Told, command: str, tmp_path: Path) -> None:
    code, out, err = empty(command)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert "there is no release" in err
    assert "engagement-stats run" in err
    other = tmp_path / "other.duckdb"
    for content in (b"", b"not a database" * 1000):
        other.write_bytes(content)
        code, out, err = empty(command, "--warehouse", other)
        assert (code, out) == (1, "")
        assert "not a release of this program" in err


# Status


def test_status_lists_waves_and_unclaimed_files(released: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    project = released.copy(tmp_path / "home")
    stranger = project.workspace.data / "below" / "holiday photos.csv"
    stranger.parent.mkdir()
    stranger.write_text("left alone\n")
    told = Told(project, capsys, monkeypatch)
    code, out, _ = told("status")
    assert code == 0
    assert "1 file(s) that no wave claims, left alone:\n  below/holiday photos.csv" in out
    code, out, err = told("status", "--format", "json")
    assert (code, err) == (0, "")
    rows = {row["wave"]: row for row in json.loads(out)}
    assert rows.pop(None)["file"] == "below/holiday photos.csv"
    entries = catalogue.load()
    assert list(rows) == [*entries.waves, *entries.lookups]
    assert rows[POLL]["state"] == "fresh"
    assert rows["hansard_audit_2016"]["state"] == "catalogued"
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    rows = {row["wave"]: row for row in json.loads(told("status", "--format", "json")[1])}
    assert (rows[POLL]["state"], rows[POLL]["reason"]) == ("stale", "its file changed")
    assert stranger.read_text() == "left alone\n"


def test_status_of_a_new_project(empty: Told) -> None:
    code, out, _ = empty("status", "--format", "csv")
    assert code == 0
    states = pd.read_csv(io.StringIO(out)).groupby("kind")["state"].unique()
    assert states["microdata"].tolist() == ["catalogued"]
    assert states["tables"].tolist() == ["landed"]


def test_status_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    project = Project(tmp_path / "home")
    project.root.mkdir()
    told = Told(project, capsys, monkeypatch)
    # As without a setting: the default folder, not there yet.
    monkeypatch.setenv("ENGAGEMENT_STATS_DATA", "")
    code, out, _ = told("status", "--format", "json")
    assert code == 0
    rows = json.loads(out)
    assert {r["state"] for r in rows if r["kind"] == "microdata"} == {"catalogued"}
    assert {r["is_synthetic"] for r in rows} == {False}
    assert list(project.root.iterdir()) == []


def test_status_says_synthetic_of_what_was_built_so(released: Project, told: Told) -> None:
    rows = json.loads(told("status", "--format", "json")[1])
    assert {r["wave"] for r in rows if r["is_synthetic"]} == {CLS_2018, CLS_2019, POLL}
    assert "SYNTHETIC" in told("status")[1]


def test_status_shows_links_and_does_not_follow_them(released: Project, tmp_path: Path,
                                                     capsys: pytest.CaptureFixture[str],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    project = released.copy(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.file(POLL).rename(elsewhere / project.file(POLL).name)
    project.file(POLL).symlink_to(elsewhere / project.file(POLL).name)
    (project.workspace.data / "folder").symlink_to(elsewhere)
    told = Told(project, capsys, monkeypatch)
    code, out, _ = told("status", "--format", "json")
    assert code == 0
    rows = json.loads(out)
    assert [(r["file"], r["state"], r["reason"]) for r in rows if r["wave"] is None] == [
        (project.file(POLL).name, "unclaimed", "a link, not followed"),
        ("folder", "unclaimed", "a link, not followed"),
    ]
    assert {r["wave"]: r["state"] for r in rows}[POLL] == "catalogued"
    out = told("status")[1]
    assert "2 file(s) that no wave claims, left alone:" in out
    assert f"  {project.file(POLL).name} (a link, not followed)\n" in out


def test_a_wrong_folder_catalogue_or_wave_is_an_error(empty: Told, tmp_path: Path) -> None:
    for command in ("status", "run"):
        # The call is wrong, not the data.
        code, out, err = empty(command, "--data", tmp_path / "nowhere")
        assert (code, out) == (2, "")
        assert "nowhere does not exist" in err
        assert not (tmp_path / "nowhere").exists()
    for arguments, said in {
        ("run", "--catalogue", str(tmp_path / "nowhere")): "does not exist",
        ("status", "--catalogue", str(tmp_path)): "rules.yaml",
        ("run", "--wave", POLL): "no file has landed",
    }.items():
        code, out, err = empty(*arguments)
        assert (code, out) == (1, ""), arguments
        assert said in err, arguments
    code, out, err = empty("run", "--wave", "cls_1066")
    assert (code, out) == (2, "")
    assert "cls_1066 not in the catalogue" in err


# Estimates


NUMBERS = ["estimate", "standard_error", "ci_lower", "ci_upper", "base_unweighted", "degrees_of_freedom"]


@pytest.mark.parametrize(("wave", "variable"), [(CLS_2018, "Zforvol"), (CLS_2019, "ZForVol")])
def test_estimate_gives_the_released_numbers(told: Told, released: Project, wave: str, variable: str) -> None:
    """The same file asked directly, text and SPSS alike; the tab file declares no missing codes."""
    code, out, err = told(
        "estimate", released.file(wave), "--variable", variable, "--counts", 1, "--missing", "-9", "-8", "-3", "-1",
        "--weight", "RespondentCalibrationWeight", "--stratum", "FinalStratum", "--psu", "HHSerial",
        "--by", "GOR", "LBNward", "--format", "csv",
    )  # fmt: skip
    assert (code, err) == (0, "")
    ours = pd.read_csv(io.StringIO(out))
    theirs = released.query(
        f"SELECT * FROM estimates WHERE wave = '{wave}' AND indicator = 'formal_volunteering_12m' AND domain = 'all'"
    )
    national = ours[ours["domain"] == "all"]
    assert len(national) == len(theirs) == 1
    assert national[NUMBERS].to_numpy()[0] == pytest.approx(theirs[NUMBERS].to_numpy(float)[0], rel=1e-12)
    regions = released.query(
        f"SELECT * FROM estimates e JOIN domains d ON d.id = e.domain AND d.level = e.level WHERE wave = '{wave}' "
        "AND indicator = 'formal_volunteering_12m' AND domain = 'region' ORDER BY position"
    )
    by_region = ours[ours["domain"].str.lower() == "gor"]
    assert len(by_region) == 9
    shown = ~regions["is_suppressed"].to_numpy()
    assert by_region["estimate"].to_numpy()[shown] == pytest.approx(regions["estimate"].to_numpy()[shown], rel=1e-12)
    assert set(ours["domain"].str.lower()) == {"all", "gor", "lbnward"}


def test_estimate_shows_a_table_and_reads_json(told: Told, released: Project) -> None:
    asked = ["estimate", released.file(POLL), "--variable", "q1_group_member", "--counts", "Yes", "--weight", "weight"]
    code, out, err = told(*asked)
    assert code == 0
    assert err == (
        "q1_group_member: Don't know look like codes for no answer and are counted as answers. If they mean no answer, "
        "name them with --missing.\n"
    )
    assert "proportion, 95% interval, uncertainty: weights_only" in out
    code, out, _ = told(*asked, "--format", "json")
    row = json.loads(out)[0]
    released_row = released.query(
        f"SELECT * FROM estimates WHERE wave = '{POLL}' AND indicator = 'community_group_membership_12m' "
        "AND domain = 'all'"
    ).iloc[0]
    assert row["estimate"] == pytest.approx(released_row["estimate"], rel=1e-12)
    assert row["standard_error"] == pytest.approx(released_row["standard_error"], rel=1e-12)


def test_estimate_refuses_what_is_no_survey_file(told: Told, tmp_path: Path) -> None:
    for name in ("a.sav", "a.tab", "a.csv", "a.dta", "a.zsav", "a.parquet"):
        for content in (b"", b"\x00\x01\xfe\xff" * 400, b"$FL2@(#) SPSS DATA FILE" + b"\x00" * 300):
            path = tmp_path / name
            path.write_bytes(content)
            code, out, err = told("estimate", path, "--variable", "v")
            assert (code, out) == (1, ""), (name, content[:9])
            assert err.startswith("error: "), (name, content[:9])
            assert name in err
    for path in (tmp_path / "missing.csv", tmp_path, tmp_path / "a.txt"):
        (tmp_path / "a.txt").write_text("v\n1\n")
        code, out, err = told("estimate", path, "--variable", "v")
        assert (code, out) == (1, "")
        assert path.name in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--variable", "nothing_so_named"], "nothing_so_named"),
        (["--variable", "q1_group_member", "--counts", "Perhaps"], "Perhaps"),
        (["--variable", "q1_group_member"], "q1_group_member"),
        (["--variable", "age", "--statistic", "mean", "--where", "__import__('os').system('true')"], "--where"),
        (["--variable", "age", "--statistic", "mean", "--weight", "region"], "region"),
        (["--variable", "age", "--statistic", "mean", "--replicates", "repw*"], "repw"),
    ],
)
def test_estimate_says_what_is_wrong(told: Told, released: Project, arguments: list[str], said: str) -> None:
    code, out, err = told("estimate", released.file(POLL), *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert "unexpected" not in err
    assert said in err


# Run and demo


def test_run_says_everything_on_standard_error(released: Project, tmp_path: Path) -> None:
    done = released.copy(tmp_path / "home").command("run")
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[0].endswith("unchanged, 0 failed.")
    assert "Nothing changed; release" in done.stderr
    assert "SYNTHETIC: rows so marked rest on invented respondents. Never quote them.\n" in done.stderr


def test_run_names_the_waves_that_left_the_release(released: Project, tmp_path: Path,
                                                   capsys: pytest.CaptureFixture[str],
                                                   monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    project = released.copy(tmp_path / "home")
    told = Told(project, capsys, monkeypatch)
    for wave in (POLL, CLS_2018):
        project.file(wave).unlink()
    code, _, err = told("run")
    assert code == 0
    assert f"No longer in the release: {CLS_2018}, {POLL}. `engagement-stats status` says why." in err
    assert "SYNTHETIC" in err
    project.file(CLS_2019).unlink()
    code, _, err = told("run")
    assert code == 0
    assert f"No longer in the release: {CLS_2019}." in err
    # Published figures alone are not synthetic.
    assert "SYNTHETIC" not in err
    assert "No longer" not in told("run")[2]


def test_run_says_which_waves_the_release_waits_for(released: Project, tmp_path: Path,
                                                    capsys: pytest.CaptureFixture[str],
                                                    monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    project = released.copy(tmp_path / "home")
    told = Told(project, capsys, monkeypatch)
    for wave in (POLL, CLS_2018):
        edit_text(project.file(wave), lambda frame: frame.iloc[:-1])
    code, _, err = told("run", "--wave", POLL)
    assert code == 0
    assert f"The release was left as it is: 1 wave(s) of it wait ({CLS_2018}). Run again, without --wave" in err
    assert "New release" not in err


def test_demo_from_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path / "home")
    project.root.mkdir()
    done = project.command("demo")
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC: rows so marked rest on invented respondents" in done.stdout
    assert "Where everything is" in done.stderr
    assert str(project.warehouse) in done.stderr
    assert project.value("SELECT is_synthetic FROM runs") is True
    again = project.command("demo", "--format", "csv")
    assert again.returncode == 0
    assert "0 wave(s) built" in again.stderr
    table = pd.read_csv(io.StringIO(again.stdout))
    found = table[(table["wave"] == CLS_2019) & (table["indicator"] == "formal_volunteering_12m")]
    assert found.loc[found["domain"] == "all", "per_cent"].tolist() == [37.0]
    assert set(table.loc[table["wave"].isin([CLS_2019, POLL]), "mark"]) == {"SYNTHETIC"}


def test_demo_does_not_replace_a_release_of_real_files(empty: Told, tmp_path: Path) -> None:
    assert empty("run", "--wave", "survation_lbn_2020")[0] == 0
    warehouse = tmp_path / "home" / "warehouse" / "engagement_stats.duckdb"
    before = warehouse.read_bytes()
    code, out, err = empty("demo")
    assert (code, out) == (1, "")
    assert "not a synthetic release" in err
    assert "--warehouse" in err
    assert warehouse.read_bytes() == before
    assert not (tmp_path / "home" / "data" / "demo").exists()


@pytest.mark.parametrize("command", [["claims"], ["status"], ["headlines", "--format", "csv"]])
def test_a_reader_that_goes_away_is_no_error(released: Project, command: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [COMMAND, *command],
            env=released.environment(),
            cwd=released.root,
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write_end)
    assert done.stderr == ""
    assert done.returncode == 0


def test_an_unforeseen_error_is_told_in_one_line(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("the answer of respondent 7 was KANARIENVOGEL")

    monkeypatch.setattr(catalogue, "load", crash)
    code, out, err = told("status")
    assert (code, out) == (1, "")
    assert err.startswith("error: unexpected RuntimeError")
    assert "KANARIENVOGEL" not in err


def test_interrupting_is_told_in_one_word(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "load", stop)
    assert told("status") == (130, "", "stopped\n")


# The web interface


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, query: str) -> dict[str, object]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [x for c in children for x in (int(c), *descendants(int(c)))]


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


MUTATION = 'mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["release"]}}]) { __typename } }'


def test_ui_tells_no_address_at_which_it_cannot_listen(empty: Told) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = empty("ui", "--port", str(port))
    assert (code, out) == (2, "")
    assert err.startswith(f"error: --port: {port} cannot be used (")
    for port in (0, 65536, 99999):
        code, _, err = empty("ui", "--port", str(port))
        assert code == 2
        assert f"Got {port}; expected 1 to 65535." in err


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to find the children of a process")
def test_ui_answers_on_loopback_and_changes_nothing(released: Project, tmp_path: Path) -> None:
    project = released.copy(tmp_path / "home")
    port = free_port()
    process = subprocess.Popen(
        [COMMAND, "ui", "--port", str(port)],
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    family: list[int] = []
    try:
        end = time.monotonic() + 60
        page = ""
        while not page and time.monotonic() < end and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    page = answer.read().decode()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        assert "<html" in page
        family = descendants(process.pid)
        assert family
        listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        at = {
            line.split()[1].split(":")[0]
            for line in listening.splitlines()
            if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
        }
        assert at == {"0100007F"}
        assert ask(port, "{ canBulkTerminate }")["data"] == {"canBulkTerminate": False}
        assert "UnauthorizedError" in json.dumps(ask(port, MUTATION))
        # Any web page open in a browser can ask by GET, and no page of another origin is told apart.
        by_get = f"http://127.0.0.1:{port}/graphql?{urllib.parse.urlencode({'query': MUTATION})}"
        with urllib.request.urlopen(by_get, timeout=20) as answer:
            assert "UnauthorizedError" in answer.read().decode()
        assets = json.dumps(ask(port, "{ assetNodes { assetKey { path } } }"))
        assert "wave_estimates" in assets
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            left = [pid for pid in family if alive(pid)]
            for pid in [*left, *([process.pid] if alive(process.pid) else [])]:
                os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while any(alive(pid) for pid in family) and time.monotonic() < end:
        time.sleep(0.1)
    assert left == []
    assert process.returncode == 0
