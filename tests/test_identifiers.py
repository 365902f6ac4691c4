"""Columns that identify a person are known by name and label, and the catalogue's own columns are not among them."""

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from pyarrow import parquet
from workbench import POLL, Edit, Project, Told, edit_text, make, put

from engagement_stats import catalogue, identifiers
from engagement_stats.errors import IngestError


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("postcode", "postcode"), ("PostCode1", "postcode"), ("home_post_code", "postcode"), ("pcds", "postcode"),
        ("ZIPCODE", "postcode"), ("email", "e-mail address"), ("E_Mail", "e-mail address"),
        ("RespEmail2", "e-mail address"), ("surname", "name"), ("FirstName", "name"), ("name", "name"),
        ("address", "address"), ("AddressLine1", "address"), ("homeaddress", "address"), ("dob", "date of birth"),
        ("DateOfBirth", "date of birth"), ("q_dob_year", "date of birth"), ("NINO", "National Insurance number"),
        ("NHSNumber", "NHS number"), ("nhs_no", "NHS number"), ("ip", "IP address"), ("IPAddress", "IP address"),
        ("latitude", "position on the map"), ("LocationLatitude", "position on the map"),
        ("lng", "position on the map"), ("phone", "telephone number"), ("mobile_number", "telephone number"),
        ("telephone_no", "telephone number"), ("uprn", "property number"),
    ],
)  # fmt: skip
def test_names_of_identifiers_are_known(name: str, kind: str) -> None:
    assert identifiers.kind_of(name) == kind


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("how_long", ""), ("along", ""), ("opinion", ""), ("ship", ""), ("female", ""), ("platform", ""),
        ("respondent_id", "Respondent number"), ("Cserial", ""), ("ward", "Electoral ward"), ("LSOA11", ""),
        ("q4", "How often do you e-mail or write to friends?"), ("q5", "How often do you phone family?"),
        ("q6", "Can you name your MP?"), ("q7", "Has the council addressed the problem?"),
        ("q8", "Contacted a councillor by telephone"), ("mobility", ""), ("nhs_trust_rating", "Satisfied with NHS"),
        ("org_type", "Name of the organisation's type"), ("birth_country", "Country of birth"), ("telly", ""),
    ],
)  # fmt: skip
def test_ordinary_columns_are_not_taken_for_identifiers(name: str, label: str) -> None:
    assert identifiers.kind_of(name, label) is None


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("What is your full postcode?", "postcode"), ("Postcode", "postcode"), ("Home post-code", "postcode"),
        ("Your e-mail address", "e-mail address"), ("Date of birth", "date of birth"), ("Surname", "name"),
        ("First name", "name"), ("IP address", "IP address"), ("Mobile number", "telephone number"),
        ("National Insurance number", "National Insurance number"), ("NHS number", "NHS number"),
        ("Location latitude", "position on the map"), ("Home address", "address"),
    ],
)  # fmt: skip
def test_labels_of_identifiers_are_known(label: str, kind: str) -> None:
    assert identifiers.kind_of("q12", label) == kind


def test_no_wave_of_the_catalogue_asks_for_one(packaged: catalogue.Catalogue) -> None:
    asked = {name for wave in packaged.microdata_waves.values() for name in wave.asked_columns}
    assert len(asked) > 50
    assert identifiers.found(asked, {}) == {}


def test_asking_for_one_is_refused_unless_it_is_allowed() -> None:
    columns, labels = ["q1", "HomePostcode", "q12"], {"q12": "Date of birth"}
    with pytest.raises(IngestError) as caught:
        identifiers.refuse("poll_2020 poll.csv", columns, labels)
    assert str(caught.value) == (
        "poll_2020 poll.csv: 2 column(s) asked for identify a person directly. Got HomePostcode (postcode), q12 (date "
        "of birth). Ask for another column, or give the reason to read it under identifiers_allowed in the wave's "
        "catalogue entry."
    )
    identifiers.refuse("w", columns, labels, allowed=["homepostcode", "Q12"])
    with pytest.raises(IngestError, match="q12"):
        identifiers.refuse("w", columns, labels, allowed=["HomePostcode"])


# --- never stored, never shown

CANARIES = {
    "home_postcode": "ZZ99 9ZZ", "email": "kanarien.vogel@example.invalid", "DateOfBirth": "1903-07-31",
    "mobile": "07700900777", "surname": "Kanarienvogelson", "verbatim": "Ich bin ein KANARIENVOGEL",
}  # fmt: skip


def with_canaries(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**CANARIES)


def found_below(project: Project) -> list[str]:
    """Return the files beside the landing folder that hold a canary, in their bytes or in a compressed cell."""
    hits = []
    for path in project.root.rglob("*"):
        if not path.is_file() or path.is_relative_to(project.workspace.data):
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            table = parquet.read_table(path)
            cells = (str(cell) for column in table.columns for cell in column.unique().to_pylist())
            content += "\n".join([*table.column_names, *cells, str(table.schema.metadata)]).encode()
        hits += [f"{path.name}: {name}" for name, value in CANARIES.items() if value.encode() in content]
    return hits


@pytest.fixture
def poll(tmp_path: Path) -> Project:
    project = make(tmp_path / "home").with_catalogue(tmp_path / "catalogue")
    edit_text(project.file(POLL), with_canaries)
    return project


@pytest.fixture
def told(poll: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(poll, capsys, monkeypatch)


def clean(text: str) -> str:
    """Return what was said, which holds no canary."""
    assert [v for v in CANARIES.values() if v in text] == []
    return text


def test_identifiers_beside_the_columns_asked_for_leave_no_trace(poll: Project) -> None:
    done = poll.command("run", "--wave", POLL)
    assert done.returncode == 0, done.stderr
    assert "1 wave(s) built" in clean(done.stdout + done.stderr)
    raw = pd.read_parquet(next(poll.workspace.private.rglob("raw.parquet")))
    assert len(raw) == 600
    assert not set(raw.columns) & set(CANARIES)
    assert found_below(poll) == []


def spoiled_by(column: str, value: str) -> Edit:
    return lambda frame: put(0, column, value)(with_canaries(frame))


FAULTS = {
    "an identifier in a column asked for": spoiled_by("region", CANARIES["home_postcode"]),
    "an identifier for a weight": spoiled_by("weight", CANARIES["mobile"][::-1] + CANARIES["surname"]),
    "a column gone": lambda frame: with_canaries(frame).drop(columns="sex"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_identifiers_leave_no_trace_when_a_wave_fails(
    poll: Project, told: Told, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    edit_text(poll.file(POLL), FAULTS[fault])
    code, out, err = told("run", "--wave", POLL)
    assert code == 1
    assert f"FAILED {POLL}" in clean(out + err + caplog.text)
    clean(told("status")[1])
    assert found_below(poll) == []


def test_a_column_of_an_innocent_name_is_refused_by_its_label_before_it_is_stored(poll: Project, told: Told) -> None:
    assert poll.catalogue is not None
    frame = pd.read_csv(poll.file(POLL), dtype=str).drop(columns=list(CANARIES))
    labels = {"region": "Respondent's postcode"}
    poll.file(POLL).unlink()
    pyreadstat.write_sav(
        frame.assign(region=CANARIES["home_postcode"]), poll.workspace.data / "p.sav", column_labels=labels
    )
    entry = poll.catalogue / "waves" / f"{POLL}.yaml"
    entry.write_text(entry.read_text().replace("[demo_lbn_poll.csv]", "[p.sav]").replace("format: csv", "format: sav"))
    code, out, err = told("run", "--wave", POLL)
    assert code == 1
    assert "1 column(s) asked for identify a person directly. Got region (postcode)." in clean(out + err)
    assert found_below(poll) == []
    assert not list(poll.workspace.private.rglob("raw.parquet"))
