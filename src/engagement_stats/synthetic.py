"""Make invented survey files that look like the deposited ones, for the demonstration and the tests.

Belongs here: writing invented respondents as files with the names, codes, routing and quirks of the deposited files,
and inventing respondents for any wave by its catalogue entry.
Not here: the people of the demonstration (synthetic_people), reading files (ingest), what codes mean (catalogue).

Nobody in these files exists. Every file carries a column `synthetic_data`, 1 in each row, by which the rest
of the program knows it.
"""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import synthetic_people
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.errors import EngagementStatsError
from engagement_stats.synthetic_people import AGE_BANDS, MARKER, NOT_ASKED, REFUSED, REGIONS, community_life

CLS_2018_19_FILE = "community_life_2018-19_end_user_licence_dataset.tab"
CLS_2019_20_FILE = "community_life_2019-20_public_access_dataset_v2.sav"
POLL_FILE = "demo_lbn_poll.csv"

# The sav format stamps a file with the moment it was written: 17 bytes of the header, date then time.
SAV_STAMP_AT = 92
SAV_STAMP = b"01 Jan 2600:00:00"

MISSING_LABELS: dict[int | float, str] = {
    -9: "Refusal",
    -8: "Don't know",
    -3: "Not classified",
    -1: "Item not applicable",
}
YES_NO = {0: "No", 1: "Yes"}
VALUE_LABELS: Mapping[str, Mapping[int, str]] = {
    "GOR": {**dict(enumerate(REGIONS, start=1)), 3: "Yorkshire and Humberside", 10: "Wales"},
    "sexg": {1: "Male", 2: "Female"},
    "R3Age6": dict(enumerate(AGE_BANDS, start=1)),
    "Ethnic2": {1: "White", 2: "Other than White"},
    "Ethnic5a": {1: "White", 2: "Mixed", 3: "Asian", 4: "Black", 5: "Other"},
    "Rural11": {1: "Urban", 2: "Rural"},
    "FUnOft": {1: "At least once a week", 2: "Less often, at least once a month", 3: "Less often than that"},
    "SBeNeigh": {1: "Very strongly", 2: "Fairly strongly", 3: "Not very strongly", 4: "Not at all strongly"},
}
WEIGHTS = ("StandardisedBaseWeight", "RespondentCalibrationWeight", "SRCaliw")
NOT_CODED = ("Cserial", "HHSerial", "FinalStratum", "Quarter", "WardCode", *WEIGHTS, MARKER)

# The same variable is spelt in another letter case in the later file.
CASE_DRIFT_2019_20 = {
    "GOR": "gor", "Cserial": "cserial", "Rural11": "rural11", "Zforvol": "ZForVol", "SBeNeigh": "Sbeneigh",
}  # fmt: skip


def write(folder: Path, *, seed: int = 20260101, adults: int = 10_000, poll: int = 1_000) -> list[Path]:
    """Write the synthetic survey files of the demonstration.

    Two files after the Community Life Survey, 2018-19 tab-separated and 2019-20 SPSS, and one poll of "left
    behind" neighbourhoods as comma-separated UTF-8 text with a header. Each file is written beside its place
    under a hidden name and renamed into it.

    Parameters
    ----------
    folder : Path
        Made when it does not exist; files of the same names in it are replaced.
    seed : int, default 20260101
        The same seed and sizes give the same bytes.
    adults : int, default 10000
        Respondents in each of the two Community Life Survey files.
    poll : int, default 1000
        Respondents in the poll.

    Returns
    -------
    list of Path
        The files: 2018-19, 2019-20, poll. Each carries the column `synthetic_data`, 1 in every row.

    Raises
    ------
    EngagementStatsError
        A number of respondents below 1.
    """
    if adults < 1 or poll < 1:
        raise EngagementStatsError(f"synthetic: a file needs respondents. Got {min(adults, poll)}; expected 1 or more.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    earlier = community_life(np.random.default_rng([seed, 2018]), adults, "2018-19")
    later = community_life(np.random.default_rng([seed, 2019]), adults, "2019-20")
    residents = synthetic_people.poll(np.random.default_rng([seed, 2020]), poll)
    return [
        _place(folder / CLS_2018_19_FILE, lambda path: _write_tab(earlier, path)),
        _place(folder / CLS_2019_20_FILE, lambda path: _write_sav(later, path)),
        _place(folder / POLL_FILE, lambda path: residents.to_csv(path, index=False, lineterminator="\n")),
    ]


def _place(path: Path, fill: Callable[[Path], None]) -> Path:
    """Let `fill` write a hidden file, then rename it into place, so that no reader meets half a file."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        fill(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _write_tab(frame: pd.DataFrame, path: Path) -> None:
    """Write as the deposited tab files are: no quotes, and one blank where a numeric cell is empty."""
    sex = frame["sexg"].astype("Int64").astype("str").where(frame["sexg"].notna(), " ")
    frame.assign(sexg=sex).to_csv(path, sep="\t", index=False, lineterminator="\n")


def _write_sav(frame: pd.DataFrame, path: Path) -> None:
    """Write as SPSS data with value labels and -9 to -1 declared user-missing; later spelling of names."""
    import pyreadstat

    coded = [c for c in map(str, frame.columns) if c not in NOT_CODED]
    frame = frame.rename(columns=CASE_DRIFT_2019_20)
    labels = {_drifted(c): MISSING_LABELS | dict(VALUE_LABELS.get(c, YES_NO)) for c in coded}
    pyreadstat.write_sav(
        frame,
        path,
        file_label="SYNTHETIC",
        column_labels={MARKER: "1: this respondent is invented"},
        note="Invented respondents. No row describes a person.",
        row_compress=True,
        variable_value_labels=labels,
        missing_ranges={c: [{"lo": REFUSED, "hi": NOT_ASKED}] for c in labels},
    )
    with path.open("r+b") as handle:
        handle.seek(SAV_STAMP_AT)
        handle.write(SAV_STAMP)


def _drifted(name: str) -> str:
    return CASE_DRIFT_2019_20.get(name, name)


# The wave whose respondents `synthetic_people` knows how to invent; waves of its survey take after it.
TEMPLATE, TEMPLATE_YEAR = "cls_2018_19_microdata", "2018-19"
NAMED = 0.03  # how often an option of a list is named
PLACES = 12  # categories invented where a file's own labels name them
NO_ANSWER = 0.02  # respondents without an answer to a question
ON_PAPER = 0.18
REASON_LABELS: Mapping[str, str] = {
    "refused": "Refusal", "dont_know": "Don't know", "not_stated": "Not classified", "not_asked": "Not asked",
    "not_applicable": "Item not applicable",
}  # fmt: skip


def respondents(catalogue: Catalogue, wave_id: str, n: int, seed: int = 20260101) -> pd.DataFrame:
    """Invent respondents with every column a wave's entry names, coded as the entry says.

    Waves of the Community Life Survey have the people, rates and routing of the demonstration's 2018-19, in their own
    codes; whatever else an entry asks for is drawn at random from its codes. Columns that only the entry's
    expectations or rules of quarantine read are not made.

    Parameters
    ----------
    catalogue : Catalogue
    wave_id : str
        A microdata wave.
    n : int
        Respondents.
    seed : int, default 20260101
        The same seed, size and entry give the same respondents.

    Returns
    -------
    DataFrame, shape (n respondents, columns of the entry and `synthetic_data`)
        Codes as text, an empty one for an empty cell; weights as numbers.

    Raises
    ------
    EngagementStatsError
        A number of respondents below 1.
    """
    if n < 1:
        raise EngagementStatsError(f"synthetic: a file needs respondents. Got {n}; expected 1 or more.")
    wave = catalogue.microdata_waves[wave_id]
    rng = np.random.default_rng([seed, zlib.crc32(wave_id.encode())])
    people = community_life(rng, n, TEMPLATE_YEAR)
    drawing = _Drawing(rng, catalogue, wave, people)
    columns: dict[str, object] = {c: kept[0] for c, kept in wave.file.where.items()}
    columns |= dict.fromkeys(wave.respondent_id.columns, 1)
    columns |= dict.fromkeys(wave.respondent_id.columns[:1], range(1, n + 1))
    if wave.design.stratum is not None:
        columns[wave.design.stratum] = _strata(people)
    if wave.design.psu is not None:
        columns[wave.design.psu] = people["HHSerial"]
    paper = rng.random(n) < ON_PAPER
    for name, column in wave.design.weights.items():
        weight = people["RespondentCalibrationWeight"].to_numpy()
        columns[column] = np.where(paper, np.nan, weight) if name in wave.design.online_only else weight
    columns |= {made.base: 1.0 for made in wave.design.made.values() if made.base is not None}
    columns |= drawing.variables()
    for geography, place in wave.places.items():
        low, high = catalogue.geographies[geography].codes[0]
        codes = rng.integers(int(low[1:]), int(high[1:]) + 1, n)
        columns[place.column] = [f"{low[0]}{code:08d}" for code in codes]
    return pd.DataFrame({**columns, MARKER: 1}, index=range(n))


def _strata(people: pd.DataFrame) -> pd.Series:
    """Return the finest strata of which each has several households."""
    for strata in (people["FinalStratum"], people["GOR"]):
        if people.groupby(strata)["HHSerial"].nunique().min() > 1:
            return strata
    return pd.Series(1, index=people.index)


@dataclass(frozen=True)
class _Drawing:
    """Draws the answers to a wave's questions, as codes."""

    rng: np.random.Generator
    catalogue: Catalogue
    wave: m.MicrodataWave
    people: pd.DataFrame

    def variables(self) -> dict[str, pd.Series]:
        """Draw every variable; an option "none of these" is named just where no other is."""
        known = self._template()
        drawn = {name: self._column(name, variable, known) for name, variable in self.wave.variables.items()}
        for rule in self.wave.indicators.values():
            if rule.none_of is not None and rule.any_of is not None:
                drawn[rule.none_of] = self._none(rule, drawn)
        return {self.wave.variables[name].column: codes for name, codes in drawn.items()}

    def _template(self) -> m.MicrodataWave | None:
        template = self.catalogue.microdata_waves.get(TEMPLATE)
        return template if template is not None and template.survey == self.wave.survey else None

    def _column(self, name: str, variable: m.Variable, template: m.MicrodataWave | None) -> pd.Series:
        code_list = _coded(self.catalogue, variable)
        if code_list is None:
            return self._numbers(variable)
        if template is not None and (taken := self._taken(name, variable, code_list, template)) is not None:
            return taken
        levels = list(dict.fromkeys(code_list.codes.values()))
        shares = np.ones(len(levels)) if name in self.catalogue.domains else 1 / np.arange(1.0, len(levels) + 1)
        if set(levels) == {"No", "Yes"}:
            shares = np.array([NAMED if level == "Yes" else 1 - NAMED for level in levels])
        codes = np.array(_codes_of(code_list.codes, levels), dtype=object)
        return self._with_gaps(self.rng.choice(codes, len(self.people), p=shares / shares.sum()), code_list.missing)

    def _taken(
        self, name: str, variable: m.Variable, code_list: m.CodeList, template: m.MicrodataWave
    ) -> pd.Series | None:
        """Take the people's own answer, in this wave's codes; None where they have none that fits."""
        like = template.variables.get(name)
        if like is not None and like.column in self.people:
            own = self.catalogue.codes(like)
            assert own is not None
            meaning: dict[str, str] = {**own.codes, **own.missing}
            back = {v: k for k, v in reversed([*code_list.codes.items(), *code_list.missing.items()])}
            if set(own.codes.values()) <= set(back):
                silent = back.get("not_stated", "")
                return _text(self.people[like.column]).map(lambda code: back.get(meaning[code], silent))
        if variable.column in self.people:
            codes = _text(self.people[variable.column])
            if set(codes) <= {*code_list.codes, *code_list.missing}:
                return codes
        return None

    def _numbers(self, variable: m.Variable) -> pd.Series:
        spans = list((variable.bands or {}).values())
        if variable.numeric is not None:
            spans = [(int(np.ceil(variable.numeric[0])), int(np.floor(variable.numeric[1])))]
        picked = np.array(spans)[self.rng.integers(0, len(spans), len(self.people))]
        numbers = self.rng.integers(picked[:, 0], picked[:, 1] + 1)
        return self._with_gaps(np.array([str(x) for x in numbers], dtype=object), variable.missing)

    def _with_gaps(self, codes: np.ndarray, missing: Mapping[str, str]) -> pd.Series:
        """Let a few give no answer; nobody is routed past a question whose routing is not known."""
        reasons = [code for code, reason in missing.items() if reason not in ("not_asked", "not_applicable")]
        gaps = self.rng.random(len(codes)) < NO_ANSWER
        if reasons:
            codes[gaps] = self.rng.choice(np.array(reasons, dtype=object), int(gaps.sum()))
        return pd.Series(codes)

    def _none(self, rule: m.IndicatorRule, drawn: Mapping[str, pd.Series]) -> pd.Series:
        """Return the codes of "none of these"; where the first option has no answer, neither has this one."""
        options = [(drawn[v], self._flags(v)) for v in rule.any_of or []]
        named = np.logical_or.reduce([codes == yes for codes, (_, yes) in options])
        no, yes = self._flags(str(rule.none_of))
        first, ends = options[0]
        return pd.Series(np.where(named, no, yes), dtype=object).where(named | first.isin(ends), first)

    def _flags(self, variable: str) -> tuple[str, str]:
        code_list = self.catalogue.codes(self.wave.variables[variable])
        assert code_list is not None
        no, yes = _codes_of(code_list.codes, ["No", "Yes"])
        return no, yes


def _coded(catalogue: Catalogue, variable: m.Variable) -> m.CodeList | None:
    """Return a variable's codes; invented ones where the labels of its file are to be the categories."""
    code_list = catalogue.codes(variable)
    if code_list is None or variable.codes != m.FROM_LABELS:
        return code_list
    return code_list.model_copy(update={"codes": {str(i): f"Place {i}" for i in range(1, PLACES + 1)}})


def _codes_of(codes: Mapping[str, str], levels: list[str]) -> list[str]:
    return [next(code for code, level in codes.items() if level == wanted) for wanted in levels]


def _text(column: pd.Series) -> pd.Series:
    """Return codes as text, an empty one for an empty cell."""
    return column.map(lambda value: "" if pd.isna(value) else str(int(value)))


def write_wave(folder: Path, catalogue: Catalogue, wave_id: str, n: int, seed: int = 20260101) -> Path:
    """Write a synthetic file of any wave, in the wave's format and under the first of its names.

    Parameters
    ----------
    folder : Path
        Made when it does not exist.
    catalogue, wave_id, n, seed
        As for `respondents`.

    Returns
    -------
    Path
        A tab or CSV file of codes (one blank in an empty cell of a tab file), or an SPSS file with value labels and
        missing codes declared.

    Raises
    ------
    EngagementStatsError
        The wave's format is another one.
    """
    wave = catalogue.microdata_waves[wave_id]
    frame = respondents(catalogue, wave_id, n, seed)
    path = Path(folder) / wave.file.pattern[0].replace("*", "1")
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = wave.file.format
    if kind == "sav":
        return _place(path, lambda to: _write_coded_sav(frame, wave, catalogue, to))
    if kind in ("tab", "csv"):
        separator = wave.file.delimiter or ("\t" if kind == "tab" else ",")
        cells = frame.replace("", " ") if kind == "tab" else frame
        blank = " " if kind == "tab" else ""
        return _place(path, lambda to: cells.to_csv(to, sep=separator, index=False, lineterminator="\n", na_rep=blank))
    raise EngagementStatsError(f"synthetic: {wave_id} is a {kind} file. Expected a wave of a tab, csv or sav file.")


# An SPSS variable declares three codes missing, or a range and one code.
MOST_MISSING = 3


def _is_number(code: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?|", code) is not None


def _write_coded_sav(frame: pd.DataFrame, wave: m.MicrodataWave, catalogue: Catalogue, path: Path) -> None:
    import pyreadstat

    labels: dict[str, dict[Any, str]] = {}
    missing: dict[str, Any] = {}
    for variable in wave.variables.values():
        code_list = _coded(catalogue, variable)
        categories, reasons = (code_list.codes, code_list.missing) if code_list else ({}, variable.missing)
        code_of: Any = float if all(_is_number(code) for code in (*categories, *reasons)) else str
        if code_of is float:
            frame[variable.column] = pd.to_numeric(frame[variable.column])
        silent = [code_of(code) for code in reasons if code != ""]
        below = [code for code in silent if code_of is float and code < 0]
        missing[variable.column] = [{"lo": min(below), "hi": max(below)}] if below else []
        missing[variable.column] += [code for code in silent if code not in below][: MOST_MISSING - 2 * bool(below)]
        if code_list is not None:
            meanings = {**categories, **{code: REASON_LABELS[reason] for code, reason in reasons.items()}}
            labels[variable.column] = {code_of(code): meaning for code, meaning in meanings.items() if code != ""}
    pyreadstat.write_sav(
        frame, path, file_label="SYNTHETIC", column_labels={MARKER: "1: this respondent is invented"},
        note="Invented respondents. No row describes a person.", row_compress=True, variable_value_labels=labels,
        missing_ranges={k: v for k, v in missing.items() if v},
    )  # fmt: skip
    with path.open("r+b") as handle:
        handle.seek(SAV_STAMP_AT)
        handle.write(SAV_STAMP)
