"""Surveys that are well-formed and wrong: each is refused for its own reason, or gives the right result.

The files are made by `../shared/tools/gen_hostile.py`, when it is there; the stages run in this process, the reading in
its child as always.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from workbench import ROOT

from engagement_stats import catalogue, clean, codebook, disclose, expectations, ingest, quarantine, tabulate
from engagement_stats import wave_weights as ww
from engagement_stats.catalogue import DEFAULT
from engagement_stats.errors import EngagementStatsError

TOOL = ROOT.parent / "shared" / "tools" / "gen_hostile.py"
pytestmark = pytest.mark.skipif(
    not TOOL.is_file(), reason="../shared/tools/gen_hostile.py is not there (see README.md)"
)
WAVE, RESPONDENTS = "harbour_2023", 400
ENTRIES = {
    "sources/harbour.yaml": "harbour: {title: H, producer: H, licence: Open, citation: H}",
    "surveys/harbour.yaml": """
harbour:
  label: Harbour
  population: {phrase: adults, geography: Harbour, age_from: 16}
  frame: Addresses
  sampling: probability
""",
    "codelists/harbour.yaml": """
yes_no: {codes: {0: No, 1: Yes}, missing: {-8: dont_know, -9: refused}}
often:
  codes: {1: Every week, 2: Monthly, 3: Less often, 4: Once, 5: Never}
  missing: {-1: not_applicable}
""",
    "questions/harbour.yaml": "q_vol: {text: null, prompting: unknown, evidence: unverified}",
    "indicators/harbour.yaml": """
volunteered:
  {label: V, definition: V, concept: v, recall: 12m, statistic: proportion, phrase: volunteered}
""",
    "domains/harbour.yaml": "sex: {label: Sex, definition: Sex, levels: [Male, Female]}",
    f"waves/{WAVE}.yaml": """
kind: microdata
label: Harbour 2023
survey: harbour
source: harbour
fieldwork: {label: winter 2023, year: 2023, start: 2023-10-01, end: 2024-03-31}
mode: web
file: {pattern: ["*.sav"], format: sav, ROWS}
respondent_id: {columns: [serial]}
design: {weights: {main: rimweight}, stratum: stratum, psu: psu, single_psu: adjust}
variables:
  volunteered: {column: volfreq, codes: yes_no}
  member: {column: member, codes: often}
  sex: {column: sex, codes: {1: Male, 2: Female}}
  age: {column: age, numeric: [16, 110]}
indicators:
  volunteered: {question: q_vol, variable: volunteered, counts: [Yes]}
domains: [sex]
expects:
  interviewed: {columns: [intdate], written_as: spss}
  numbers: {age: {lowest: [16, 17]}}
  answered: {volunteered: 0.8}
  mean_weight: {main: [0.9, 1.1]}
""",
}
# File of the folder semantic/, and what its error says: where, what and how many.
REFUSED = {
    "w_nan": ["rimweight (waves/harbour_2023.yaml, design.weights.main): 4 respondent(s) have no weight"],
    "w_neg": ["rimweight", "4 respondent(s) have a negative weight"],
    "w_inf": ["rimweight", "4 respondent(s) have an infinite weight"],
    "w_huge": ["rimweight", "4 respondent(s) carry more than 10% of all weight each"],
    "w_allzero": ["rimweight", "every weight is zero"],
    "w_string": ["rimweight", "the weight is text"],
    "w_grossed": ["rimweight", "the mean weight is another", "expected 0.9 to 1.1 (expects.mean_weight.main)"],
    "missing_weight_col": ["rimweight"],
    "missing_vol_col": ["volfreq"],
    "dup_serial": ["serial: 400 rows share a respondent identifier"],
    "dup_rows": ["450", "expected 400"],
    "half_wave": ["200", "expected 400"],
    "labels_swapped": ['code 1 is "No" in the file, which is "No", and "Yes" in the catalogue', "labels_differ"],
    "new_code": ["volfreq", "1 raw code(s) have no category. Got 2"],
    "missing_undeclared": ["code -9 is not declared missing in the file", "missing_undeclared"],
    # Found though its letter case is another, but it has lost its labels and declarations.
    "renamed_col": ["volfreq", "code -8 is not declared missing in the file"],
    "missing_changed": ['code 0 is declared missing in the file, and "No" in the catalogue', "code 1 is declared"],
    "age18": ["age (expects.numbers.age): the lowest age is to lie in 16 to 17. Got nobody in it"],
    "all_missing": ["volfreq"],
    "date_out_of_field": ["intdate", "0 interview(s) before fieldwork and 400 after it"],
}
# Right, or a matter of the design of the sample, whose rules are named in the results.
READ = [
    "good", "w_zero", "w_allone", "labels_reworded", "pii_cols", "region_code_shift", "p_zero", "p_one",
    "n29", "one_row", "one_stratum", "single_psu", "some_lonely", "psu_crosses", "one_psu_total",
]  # fmt: skip
# What is left of the entry's number of rows and expectations for a file of another size.
LESS = {"age18": "no_rows", "n29": "neither", "one_row": "neither"}


@dataclass(frozen=True)
class Faults:
    """The hostile files, and catalogues that describe the good one of them in full and less fully (see `LESS`)."""

    folder: Path
    books: dict[str, catalogue.Catalogue]

    def build(self, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Take a file through the stages; return its estimates and the columns that were read."""
        book = self.books[LESS.get(name, "whole")]
        wave = book.microdata_waves[WAVE]
        raw = ingest.read_wave(WAVE, wave, self.folder / f"{name}.sav")
        codebook.check(raw.frame, codebook.Codebook.of(raw.labels, raw.user_missing), WAVE, book)
        split = quarantine.set_aside(raw.frame, WAVE, book)
        responses = clean.harmonise(split.kept, WAVE, book)
        expectations.check(split.kept, responses, WAVE, book)
        weighted = ww.analysis_weights(split.kept, responses, WAVE, book)
        made = clean.indicators(responses, wave.indicators.items())
        table, _ = tabulate.microdata(responses, made, weighted.values, WAVE, book, credited=weighted.made)
        return disclose.suppress(table, book.rules.disclosure), raw.frame


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    root = tmp_path_factory.mktemp("semantic")
    subprocess.run([sys.executable, str(TOOL), str(root)], check=True, capture_output=True, timeout=300)
    books = {}
    for book in ("whole", *sorted(set(LESS.values()))):
        folder = root / book
        for place, text in ENTRIES.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            said = text.replace("ROWS", f"rows: {RESPONDENTS}" if book == "whole" else "where: {}")
            (folder / place).write_text(said.partition("expects:")[0] if book == "neither" else said)
        shutil.copy(DEFAULT / "rules.yaml", folder)
        books[book] = catalogue.load(folder)
    yield Faults(root / "hostile" / "semantic", books)
    shutil.rmtree(root)


def test_every_file_has_an_expectation(faults: Faults) -> None:
    assert {p.stem for p in faults.folder.glob("*.sav")} == {*REFUSED, *READ}


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_is_refused_for_its_own_reason(faults: Faults, name: str) -> None:
    with pytest.raises(EngagementStatsError) as caught:
        faults.build(name)
    message = str(caught.value)
    assert WAVE in message
    for part in REFUSED[name]:
        assert part in message


@pytest.mark.parametrize("name", READ)
def test_what_can_be_used_gives_an_estimate_of_the_right_respondents(faults: Faults, name: str) -> None:
    table, raw = faults.build(name)
    whole = table[table["domain"] == "all"].iloc[0]
    expected_rows = {"n29": 29, "one_row": 1}.get(name, RESPONDENTS)
    assert len(raw) == expected_rows
    if expected_rows < 30:
        assert whole["is_suppressed"]
        assert pd.isna(whole["estimate"])
        return
    # Four respondents of weight zero count in no base.
    assert whole["base_unweighted"] + whole["base_missing"] == RESPONDENTS - (4 if name == "w_zero" else 0)
    assert whole["estimate"] == {"p_zero": 0.0, "p_one": 1.0}.get(name, pytest.approx(0.27, abs=0.12))
    assert pd.isna(whole["ci_lower"]) or whole["ci_upper"] > whole["ci_lower"]


def test_identifiers_in_the_file_are_not_among_the_columns_read(faults: Faults) -> None:
    _, raw = faults.build("pii_cols")
    assert set(raw.columns) == {"serial", "rimweight", "stratum", "psu", "volfreq", "member", "sex", "age", "intdate"}
