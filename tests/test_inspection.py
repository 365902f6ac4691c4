"""What is said of an unknown file: its columns, what they are for, and nothing of what any respondent answered."""

import json
from pathlib import Path

import hostile
import numpy as np
import pandas as pd
import pyreadstat
import pytest
from workbench import ROOT, Project, Told

from engagement_stats import describe, draft, inspection, propose, roles
from engagement_stats.catalogue import Catalogue, strictyaml
from engagement_stats.errors import UsageError
from engagement_stats.inspection import Column
from engagement_stats.readers.model import Contents

DATA = ROOT.parent / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real files are not in ../shared/data (see README.md)")
N = 400
WORDS = "CANARY I told the interviewer about my neighbour at number nine"


def survey() -> pd.DataFrame:
    """Invent a poll with what an inspection must recognise, and what it must not show."""
    rng = np.random.default_rng(7)
    vote = np.repeat(["1", "2", "-9"], [197, 197, 6])
    weight = rng.lognormal(0, 0.4, N)
    return pd.DataFrame(
        {
            "caseno": [f"{900_000 + 7 * i}" for i in range(N)],
            "vote": vote,
            "why": [WORDS if i == 3 else f"because of thing {i}" for i in range(N)],
            "trust": np.repeat(["1", "2", "3", "99"], [150, 150, 70, 30]),
            "odd": np.repeat(["1", "2", "3"], [300, 97, 3]),
            "age": [str(18 + i % 70) for i in range(N)],
            "wt_final": [f"{w:.6f}" for w in weight / weight.mean()],
            "grossed": [f"{w:.2f}" for w in weight / weight.sum() * 45_000_000],
            "weight_kg": [f"{60 + 30 * w:.1f}" for w in rng.random(N)],
            "stratum": [str(i % 12) for i in range(N)],
            "psu": [str(i % 80) for i in range(N)],
            "intmode": np.repeat(["1", "2"], [250, 150]),
            "region": [str(i % 9 + 1) for i in range(N)],
            "blank": [""] * N,
            "postcode": [f"ZZ{i % 90} 9CANARY" for i in range(N)],
        }
    )


LABELS = {"vote": {1.0: "Yes", 2.0: "No", -9.0: "Refused"}, "odd": {1.0: "A", 2.0: "B"}}


@pytest.fixture(scope="module")
def found() -> dict[str, Column]:
    frame = survey()
    contents = Contents(list(frame), N, LABELS, {"why": "Why?\n\x1b[2J"}, {"vote": [(-9.0, -1.0)]})
    return {c.name: c for c in inspection.columns(contents, frame.drop(columns="postcode"))}


@pytest.mark.parametrize(
    ("column", "kind", "distinct"),
    [
        ("caseno", "number", N), ("vote", "codes", 3), ("why", "text", N), ("age", "number", 70), ("blank", "empty", 0),
        ("wt_final", "number", N), ("region", "codes", 9), ("postcode", "not read", None),
    ],
)  # fmt: skip
def test_kinds(found: dict[str, Column], column: str, kind: str, distinct: int | None) -> None:
    assert (found[column].kind, found[column].distinct) == (kind, distinct)


def test_what_a_file_cannot_say_of_its_reading_is_said_for_it(tmp_path: Path, packaged: Catalogue) -> None:
    frame = pd.DataFrame({"id": ["1", "2"], "q1": ["Yes", "Größe"]})
    frame.to_csv(tmp_path / "poll.csv", sep=";", index=False)
    frame.to_csv(tmp_path / "wide.csv", encoding="utf-16", index=False)
    with pd.ExcelWriter(tmp_path / "poll.xlsx") as book:
        frame.to_excel(book, sheet_name="Data", index=False, startrow=3)
        frame.to_excel(book, sheet_name="Guide", index=False)
    asked = {"poll.csv": {"delimiter": ";"}, "wide.csv": {}, "poll.xlsx": {"sheet": "data", "header_row": 4}}
    for name, reading in asked.items():
        look = describe.look(tmp_path / name, packaged, reading)
        assert look.frame.astype({"id": "int64"}).to_dict("list") == {"id": [1, 2], "q1": ["Yes", "Größe"]}
        (tmp_path / "entry.yaml").write_text(draft.text(propose.propose(look, packaged), packaged), encoding="utf-8")
        entry = strictyaml.read(tmp_path / "entry.yaml")["file"]
        assert {key: entry[key] for key in reading} == reading
        assert entry.get("encoding") == ("utf-16" if name == "wide.csv" else None)


@pytest.mark.parametrize(("name", "reading"), [("f.tab", {"delimiter": ";"}), ("f.sav", {"sheet": "Data"})])
def test_what_a_format_does_not_have_is_not_said_of_it(
    tmp_path: Path, packaged: Catalogue, name: str, reading: dict[str, str]
) -> None:
    (tmp_path / name).write_text("a\tb\n1\t2\n")
    with pytest.raises(UsageError, match=f"{name}: {next(iter(reading))} is not of such a file. Got .*; expected "):
        describe.look(tmp_path / name, packaged, reading)


def test_declared_missing_codes_are_named_and_usual_ones_recognised(found: dict[str, Column]) -> None:
    assert found["vote"].missing == ("-9 to -1",)
    assert found["vote"].looks_missing == ("-9",)
    assert found["trust"].looks_missing == ("99",)
    assert found["age"].looks_missing == ()


def test_values_of_a_change_are_no_missing_codes() -> None:
    change = [float(v) for v in range(-20, 20)] * 2
    frame = pd.DataFrame({"change": change, "hours": [-9.0, -1.0, *range(78)], "coded": [-12.0, -9.0] + [1.0] * 78})
    kinds = inspection.columns(Contents(list(frame), 80), frame)
    assert [c.looks_missing for c in kinds] == [(), ("-9", "-1"), ("-9",)]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (["2024-01-05", "2024-02-06 10:11:12"], "dates"), (["5/1/2024", "05/11/24 9:30"], "dates"),
        (["5-Jan-2024", "17 March 2024"], "dates"), (["9:30", "10:11:12.5"], "times of day"),
        (["12%", "7.5 %"], "percentages"), (["1,250", "12", "1,000,000.5"], "numbers with commas between thousands"),
        (["0,985", "1,250"], "numbers with decimal commas"), (["3-4", "5+"], None), (["1.5", "2"], None),
        (["1", "x"], None), (["5/1-2024", "05/11/24"], None),
    ],
)  # fmt: skip
def test_what_texts_look_like_is_said(values: list[str], written: str | None) -> None:
    frame = pd.DataFrame({"q": [*values * 10, ""]})
    (column,) = inspection.columns(Contents(["q"], len(frame)), frame)
    assert column.written_as == written


@pytest.mark.parametrize(
    ("first", "written"),
    [
        (["Trust?"], "numbers below 1 row(s) of other text, perhaps names once more"),
        (["Trust?", '{"ImportId":"QID1"}'], "numbers below 2 row(s) of other text, perhaps names once more"),
        (["a", "b", "c"], None), (["1", "Trust?"], None), ([""], None),
    ],
)  # fmt: skip
def test_rows_of_names_once_more_are_seen(first: list[str], written: str | None) -> None:
    frame = pd.DataFrame({"q": [*first, *["1", "2", "3"] * 10]})
    (column,) = inspection.columns(Contents(["q"], len(frame)), frame)
    assert column.written_as == written


def test_a_range_without_an_end_is_said_in_words() -> None:
    ranges = {"q": [(-np.inf, -1.0), (97.0, np.inf), (90.0, 95.0), (5.0, 5.0)]}
    (column,) = inspection.columns(Contents(["q"], 1, {}, {}, ranges), pd.DataFrame({"q": [1.0]}))
    assert column.missing == ("up to -1", "97 and above", "90 to 95", "5")


def test_a_file_s_words_cannot_write_on_the_terminal(found: dict[str, Column]) -> None:
    assert found["why"].label == "Why? [2J"


def test_small_counts_are_not_shown_and_cannot_be_worked_out(found: dict[str, Column]) -> None:
    shown = {s.code: s.respondents for s in inspection.shown(found["vote"])}
    assert shown == {"-9": "<10", "1": "about 200", "2": "about 200"}
    # A code nobody labels is shown only where it is common.
    assert [s.code for s in inspection.shown(found["odd"])] == ["1", "2"]
    assert inspection.hidden(found["odd"]) == 1
    assert {s.code: s.respondents for s in inspection.shown(found["trust"])}["99"] == "30"


def test_numbers_and_text_show_no_values(found: dict[str, Column]) -> None:
    assert [inspection.shown(found[c]) for c in ("why", "age", "caseno", "wt_final")] == [[], [], [], []]
    assert found["why"].counts == {}
    assert WORDS not in repr(found)


def test_words_that_recur_are_answers_and_a_long_one_makes_free_text() -> None:
    frame = pd.DataFrame({"said": ["Yes", "No"] * 20, "wrote": ["Yes"] * 39 + [WORDS]})
    said, wrote = inspection.columns(Contents(["said", "wrote"], 40), frame)
    assert (said.kind, wrote.kind) == ("codes", "text")


def test_many_short_texts_are_codes_where_each_is_common() -> None:
    numbers = range(10_400)
    frame = pd.DataFrame({"country": [f"C{i % 40}" for i in numbers], "town": [f"T{i % 40}" for i in numbers]})
    frame.loc[0, "town"] = "Rare"
    country, town = inspection.columns(Contents(list(frame), len(frame)), frame)
    assert (country.kind, town.kind) == ("codes", "text")


def test_labels_that_are_respondents_words_are_not_shown() -> None:
    # R makes a label of every different text of a column, and SPSS files made with it have them.
    n = 400
    words = [f"CANARY at number {i % 90}" for i in range(n)]
    rare = {float(k): word for k, word in enumerate(sorted(set(words)), 1)}
    towns = {float(k): f"Town {k}" for k in range(1, 101)}
    frame = pd.DataFrame({
        "why": [next(k for k, v in rare.items() if v == word) for word in words],
        "town": [float(1 + i % 90) for i in range(n)],
        "age": [float(18 + i % 70) for i in range(n)],
    })  # fmt: skip
    labels = {"why": rare, "town": towns, "age": {float(a): str(a) for a in range(18, 88)}}
    why, town, age = inspection.columns(Contents(list(frame), n, labels), frame)
    assert (why.kind, why.distinct, why.labels, why.counts, inspection.shown(why)) == ("text", 90, {}, {}, [])
    # Of a producer's list some were chosen by nobody.
    assert (town.kind, town.labels["1"], len(inspection.shown(town))) == ("codes", "Town 1", 90)
    assert age.kind == "codes"


def test_a_large_file_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "MOST_CELLS", 400)
    contents = Contents(["a", "b", "c", "d", "e", "wt"], 100, {"d": {1.0: "Yes"}})
    assert inspection.chosen(contents, ["wt"], 100) == ["wt", "d", "a", "b"]
    assert inspection.chosen(contents, ["wt"], 50) == list(contents.names)


def roles_of(frame: pd.DataFrame, labels: dict[str, str] | None = None) -> dict[str, dict[str, str]]:
    columns = inspection.columns(Contents(list(frame), len(frame), {}, labels or {}), frame)
    found: dict[str, dict[str, str]] = {}
    for role in roles.roles(columns, frame):
        found.setdefault(role.use, {})[" ".join(role.columns)] = role.confidence
    return found


def test_roles_are_recognised() -> None:
    found = roles_of(survey().drop(columns="postcode"))
    assert found["respondent id"] == {"caseno": "high"}
    assert found["weight"] == {"wt_final": "high", "grossed": "medium", "weight_kg": "low"}
    assert found["stratum"] == {"stratum": "medium"}
    assert found["sampling unit"] == {"psu": "medium"}
    assert found["mode"] == {"intmode": "medium"}
    assert found["place"] == {"region": "medium"}


def test_a_serial_number_that_repeats_is_completed() -> None:
    frame = pd.DataFrame({"serial": [str(i % 200) for i in range(400)], "week": ["1"] * 200 + ["2"] * 200})
    assert roles_of(frame)["respondent id"] == {"week serial": "medium"}
    assert "respondent id" not in roles_of(frame.assign(week="1"))


def test_a_body_s_weight_is_not_a_survey_weight() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"weight": rng.normal(75, 12, 500).round(1), "idno": range(500)})
    assert roles_of(frame, {"weight": "Weight of respondent (kg)"})["weight"] == {"weight": "low"}


@pytest.mark.parametrize(
    ("name", "sure"),
    [
        ("WTMEC2YR", "medium"), ("X_LLCPWT", "medium"), ("pw", "medium"), ("a_indinus_lw", "medium"),
        ("gross", "medium"), ("gross_income", None), ("growth", None), ("weight_kg", "low"), ("WTKG3", None),
    ],
)  # fmt: skip
def test_weights_are_known_by_the_names_that_surveys_give_them(name: str, sure: str | None) -> None:
    weight = np.random.default_rng(1).lognormal(0, 0.4, 500).round(4) * 30_000
    assert roles_of(pd.DataFrame({name: weight})).get("weight", {}) == ({name: sure} if sure else {})


@pytest.mark.parametrize(
    ("name", "mean", "sure"),
    [("PWT22", 600, "medium"), ("finalwgt", 11_321, "medium"), ("weight", 170, "low"), ("birth_weight", 3_300, "low")],
)
def test_whole_numbers_that_sum_to_a_population_are_a_weight(name: str, mean: int, sure: str) -> None:
    # As in the Labour Force Survey; kilograms, pounds and grams of many people sum to millions, too.
    weight = np.random.default_rng(1).integers(mean // 2, mean * 3 // 2, 10_000)
    assert roles_of(pd.DataFrame({name: weight}))["weight"] == {name: sure}


@pytest.mark.parametrize("name", ["SDMVSTRA", "VSTRAT", "strat1", "stratid", "stratum"])
def test_strata_are_known_by_the_names_that_surveys_give_them(name: str) -> None:
    assert roles_of(pd.DataFrame({name: [1.0, 2.0, 3.0] * 20}))["stratum"] == {name: "medium"}
    assert "stratum" not in roles_of(pd.DataFrame({"strategy": [1.0, 2.0, 3.0] * 20}))


def test_codes_of_those_who_have_no_weight_do_not_spoil_it() -> None:
    weight = np.random.default_rng(1).lognormal(0, 0.4, 500)
    frame = pd.DataFrame({"wt_all": weight / weight.mean(), "wt_self": np.where(np.arange(500) % 5, weight, -8.0)})
    labels = {name: {-9.0: "Missing", -8.0: "Inapplicable"} for name in frame}
    text = frame.astype(str)  # a tab file
    for said, declared, given in ((labels, {}, frame), (labels, {}, text), ({}, {"wt_self": [(-9.0, -1.0)]}, text)):
        found = roles.roles(inspection.columns(Contents(list(frame), 500, said, {}, declared), given), given)
        assert {r.columns: r.confidence for r in found} == {("wt_all",): "high", ("wt_self",): "medium"}


def test_replicate_weights_are_one_line() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"PWGTP": rng.random(60) * 2} | {f"PWGTP{i}": rng.random(60) * 2 for i in range(1, 81)})
    found = roles_of(frame)
    assert found["replicate weights"] == {"PWGTP[0-9]*": "medium"}
    assert set(found["weight"]) == {"PWGTP"}
    named = pd.DataFrame({f"brr_{i}": rng.integers(0, 2, 60) * 17_990 + rng.integers(0, 99, 60) for i in range(1, 33)})
    assert roles_of(named) == {"replicate weights": {"brr_[0-9]*": "medium"}}


def test_weights_that_cannot_be_used_are_doubted() -> None:
    frame = pd.DataFrame({"wt": [-1.0, 1.5, 2.5, 1.0] * 10, "wt2": [1.0] * 40, "w": [0.5, 1.5, 0.7, 1.3] * 10})
    found = roles_of(frame)["weight"]
    assert (found["wt"], found["wt2"]) == ("low", "low")


@pytest.mark.parametrize("rows", [1, 9, 10])
def test_the_mean_of_a_few_weights_is_not_told(rows: int) -> None:
    frame = pd.DataFrame({"weight": [0.75 + 0.125 * (i % 3) for i in range(rows)]})
    (role,) = roles.roles(inspection.columns(Contents(["weight"], rows), frame), frame)
    assert ("mean" in role.why) == (rows == 10)


def test_the_weight_an_spss_file_is_saved_with_is_named(packaged: Catalogue, tmp_path: Path) -> None:
    path, n = tmp_path / "poll.sav", 40
    frame = pd.DataFrame({
        "story": ["a word, and others"] * n,
        "Gewichtungsfaktor_neu": [0.5, 1.5] * (n // 2),
        "wt": [0.8, 1.2] * (n // 2),
    })  # fmt: skip
    pyreadstat.write_sav(frame, path)
    weights = [r for r in describe.look(path, packaged).roles if r.use == "weight"]
    assert not any("saved" in r.why for r in weights)
    # The header names a weight by the place of its first eight bytes in a row; the text before takes three.
    for place, named in {4: "Gewichtungsfaktor_neu", 5: "wt", 2: None, -1: None}.items():
        path.write_bytes(hostile.patched(path.read_bytes(), 76, "<i", place))
        saved = [r for r in describe.look(path, packaged).roles if "the file is saved as weighted by it" in r.why]
        assert [(r.use, *r.columns, r.confidence) for r in saved] == ([("weight", named, "high")] if named else [])


# The command


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(Project(tmp_path / "home"), capsys, monkeypatch)


@pytest.mark.parametrize("how", ["table", "csv", "json"])
def test_the_command_shows_columns_and_no_respondent(told: Told, tmp_path: Path, how: str) -> None:
    path = tmp_path / "poll.csv"
    survey().to_csv(path, index=False)
    code, out, err = told("inspect", path, "--format", how)
    assert (code, err) == (0, "")
    assert "CANARY" not in out
    assert "900007" not in out
    assert "postcode" in out
    assert max(len(line) for line in out.splitlines()) <= 100 or how != "table"
    if how == "json":
        about = json.loads(out)
        assert (about["rows"], about["columns_in_all"], about["format"]) == (N, 15, "csv")
        assert about["direct_identifiers"] == {"postcode": "postcode"}
        assert {r["use"] for r in about["roles"]} >= {"respondent id", "weight", "stratum", "mode"}


def test_columns_asked_for_are_shown_whole(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "poll.csv"
    survey().to_csv(path, index=False)
    _, out, _ = told("inspect", path, "--columns", "REG*")
    assert "9 (44)" in out
    assert "caseno" not in out
    assert told("inspect", path, "--columns", "nothing")[0] == 2


def test_a_proposal_is_a_new_file(told: Told, tmp_path: Path) -> None:
    path, entry = tmp_path / "poll.csv", tmp_path / "poll_2030.yaml"
    survey().to_csv(path, index=False)
    code, out, _ = told("inspect", path, "--propose", entry)
    assert code == 0
    assert str(entry) in out.replace("\n", "")
    text = entry.read_text(encoding="utf-8")
    assert "CANARY" not in text
    code, _, err = told("inspect", path, "--propose", entry)
    assert code == 2
    assert "is not replaced" in err
    code, out, _ = told("inspect", path, "--propose", "-")
    assert (code, out) == (0, text)


def test_text_that_is_not_utf_8_is_read_as_windows_1252_and_said_to_be(packaged: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "poll.csv"
    pd.DataFrame({"id": range(30), "café": ["Zoë's"] * 30}).to_csv(path, index=False, encoding="cp1252")
    look = describe.look(path, packaged)
    assert (look.encoding, look.columns[1].name) == ("cp1252", "café")


@real
def test_real_files_are_described(packaged: Catalogue) -> None:
    ess = describe.look(DATA / "ess7_gb" / "ESS7GB.sav", packaged)
    assert (ess.rows, len(ess.columns)) == (2264, 601)
    found = {r.columns: r.confidence for r in ess.roles if r.use in ("respondent id", "weight")}
    assert found[("idno",)] == found[("pspwght",)] == "high"
    assert found[("weight",)] == "low"
    audit = describe.look(DATA / "hansard_ape11_2013" / "SN7577.tab", packaged)
    assert (audit.rows, len(audit.columns)) == (1286, 202)
    # From the producer's dictionary beside the file.
    assert {c.name: c.label for c in audit.columns}["agegroups"] == "Age groups (up to 75+)"
