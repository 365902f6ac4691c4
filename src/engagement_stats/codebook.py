"""Hold the value labels and declared missing codes that a file carries against the catalogue's code lists.

Belongs here: which differences contradict the catalogue, and which are another wording of the same.
Not here: codes without a category (clean), what a code means (catalogue), and how a file carries labels (readers).

A contradiction stops the wave. It is signed in the wave's entry: `labels_differ` of a variable gives the reason, code
by code; `missing_undeclared` of the file does so for a file that declares no codes missing at all.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, get_args

import pandas as pd

from engagement_stats.catalogue import DEFAULT, Catalogue, strictyaml
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.errors import CleaningError, listed

STORED = "codebook.json"
# Formats that declare codes missing as they stand in the data; Stata has letters beside them, SAS likewise.
DECLARING = ("sav", "por")
# Two texts alike to this degree (0 to 1) are one wording; another category must be clearly nearer than the code's own.
ALIKE = 0.75
CLEARLY = 0.2
# A label that begins with the whole of a category says that category and something more.
BEGINS = 0.9
SHOWN = 60
# Signs a difference in the values of a number, which are no codes.
ANY = "any"

Ranges = Sequence[tuple[float, float] | tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Codebook:
    """What a file says of the columns asked for: labels of codes, and codes declared missing, codes as text."""

    labels: Mapping[str, Mapping[str, str]]
    missing: Mapping[str, Ranges]

    @classmethod
    def of(cls, labels: Mapping[str, Mapping[Any, str]], missing: Mapping[str, Ranges]) -> "Codebook":
        """Make one of what a reader returns, whose codes are numbers or text."""
        texts = {
            column: dict(zip(as_codes(pd.Series(list(found), dtype="object")), found.values(), strict=True))
            for column, found in labels.items()
        }
        return cls(texts, {column: list(ranges) for column, ranges in missing.items()})

    def as_json(self) -> str:
        """Return it as text, to be kept beside the raw columns."""
        return json.dumps({"labels": self.labels, "missing": self.missing}, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Codebook":
        """Return what `as_json` wrote."""
        kept = json.loads(text)
        return cls(kept["labels"], {k: [(low, high) for low, high in v] for k, v in kept["missing"].items()})

    def confirms(self, column: str, code: str, category: str, catalogue: Catalogue) -> bool:
        """Say whether the file's own label of a code says the category, in these or in like words."""
        label = _plain(self.labels.get(column, {}).get(code, ""))
        return bool(label) and _Words(catalogue.rules.codebook).nearness(label, category) >= ALIKE

    def declares(self, column: str, code: str) -> bool:
        """Say whether the file declares a code of a column missing."""
        for low, high in self.missing.get(column, ()):
            if isinstance(low, str) or isinstance(high, str):
                if code == low:
                    return True
            elif (number := _number(code)) is not None and low <= number <= high:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the comparison: contradictions, a line for each variable, and labels in other words."""

    contradictions: tuple[str, ...]
    reworded: tuple[str, ...]


def _number(code: str) -> float | None:
    try:
        return float(code)
    except ValueError:
        return None


def _plain(text: str) -> str:
    """Return a label without letter case and punctuation: "25-34" and "25 to 34" are alike."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower().replace("\u2019", "'").replace("'", ""))
    text = re.sub(r"(?<=\d)\s*(?:-|\u2013|to)\s*(?=\d)", " ", text)
    return " ".join(re.sub(r"[^\w+%]+", " ", text).split())


def _similarity(label: str, name: str) -> float:
    """Say how alike two plain texts are, 0 to 1."""
    if label == name:
        return 1.0
    ours, theirs = label.split(), name.split()
    if not ours or not theirs:
        return 0.0
    if ours[: len(theirs)] == theirs:
        return BEGINS
    return min(SequenceMatcher(None, label, name).ratio(), BEGINS)


class _Words:
    """The names a category or reason goes by, as plain texts."""

    def __init__(self, rules: m.CodebookRules) -> None:
        self.same = {_plain(k): [_plain(k), *map(_plain, v)] for k, v in rules.same_meaning.items()}
        self.reasons: dict[str, list[str]] = {
            reason: [_plain(reason.replace("_", " ")), *map(_plain, words)] for reason, words in rules.reasons.items()
        }

    def nearness(self, label: str, category: str) -> float:
        """Say how well a plain label fits a category by any of its names."""
        name = _plain(category)
        return max(_similarity(label, one) for one in self.same.get(name, [name]))

    def other_reason(self, label: str, reason: str) -> str | None:
        """Return the reason that a label names when it names another than this one."""
        if label in self.reasons.get(reason, ()):
            return None
        return next((other for other, words in self.reasons.items() if label in words), None)


def reason_named(label: str, rules: m.CodebookRules) -> m.MissingReason | None:
    """Return the reason of missingness that a value label names, None when it names none.

    Examples
    --------
    >>> rules = m.CodebookRules(reasons={"refused": ["refusal"], "not_asked": ["not applicable"], "not_applicable": []})
    >>> reason_named("Refusal", rules), reason_named("Not applicable", rules), reason_named("Rarely", rules)
    ('refused', 'not_applicable', None)
    """
    said = _plain(label)
    # A label that is a reason's own name is not one of the other words for another.
    named = [r for r in get_args(m.MissingReason) if said == _plain(r.replace("_", " "))]
    return next(iter(named or [r for r, names in rules.reasons.items() if said in map(_plain, names)]), None)


def without_answer(labels: Mapping[str, str], rules: m.CodebookRules) -> dict[str, str]:
    """Return the codes whose label, or each of the things it puts together, is a reason of missingness.

    With each goes its label without what stands in brackets, which may be anybody's words.

    Examples
    --------
    >>> rules = m.CodebookRules(reasons={"refused": ["refused"], "dont_know": ["don't know", "can't say"]})
    >>> without_answer({"8": "Refused to move house", "9": "(DO NOT READ) Don't know/Refused"}, rules)
    {'9': "Don't know/Refused"}
    """
    reasons = {_plain(words) for r, names in rules.reasons.items() for words in (r.replace("_", " "), *names)}
    found = {}
    for code, label in labels.items():
        whole = re.sub(r"\([^)]*\)|\[[^]]*\]", " ", label)
        parts = {_plain(part) for part in re.split(r"/|,|\bor\b", whole, flags=re.IGNORECASE)} - {""}
        if parts and (parts <= reasons or _plain(whole) in reasons):
            found[code] = " ".join(whole.split())
    return found


def packaged_rules() -> m.CodebookRules:
    """Return the words that come with the package, for a file of no catalogue."""
    return m.CodebookRules.model_validate(strictyaml.read(DEFAULT / "rules.yaml")["codebook"])


def _numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))


def _other_numbers(label: str, category: str) -> bool:
    """Say whether both hold numbers and they are not the same: a band of other limits."""
    ours, theirs = _numbers(label), _numbers(_plain(category))
    return bool(ours and theirs) and not (ours <= theirs or theirs <= ours)


def _against_category(label: str, own: str, code_list: m.CodeList, words: _Words) -> str | None:
    """Return what a label of a category's code says instead, None when it does not contradict."""
    near = words.nearness(label, own)
    if near == 1:
        return None
    others = [c for c in dict.fromkeys(code_list.codes.values()) if c != own]
    scores = {c: words.nearness(label, c) for c in others}
    best = max(scores, key=lambda c: scores[c], default=None)
    if best is not None and (scores[best] == 1 or (scores[best] >= ALIKE and scores[best] - near >= CLEARLY)):
        return f"which is {_shown(best)}"
    if (reason := words.other_reason(label, "")) is not None:
        return f"which is missing ({reason})"
    return "a band of other limits" if _other_numbers(label, own) else None


def _against_reason(label: str, own: str, code_list: m.CodeList, words: _Words) -> str | None:
    """Return what a label of a missing code says instead, None when it does not contradict."""
    if label in words.reasons.get(own, ()):
        return None
    for category in dict.fromkeys(code_list.codes.values()):
        if words.nearness(label, category) == 1:
            return f"which is {_shown(category)}"
    other = words.other_reason(label, own)
    return f"which is missing ({other})" if other is not None else None


def _shown(text: str) -> str:
    """Show a label: on one line, not long, and nothing that a terminal would obey."""
    safe = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f'"{safe[:SHOWN]}{"..." if len(safe) > SHOWN else ""}"'


def _labels(
    codebook: Codebook, variable: m.Variable, code_list: m.CodeList, words: _Words
) -> Iterator[tuple[str, str, bool]]:
    """Yield code, what is wrong with its label, and whether it contradicts or is only another wording."""
    for code, label in codebook.labels.get(variable.column, {}).items():
        said = _plain(label)
        if not said:
            continue
        if (own := code_list.codes.get(code)) is not None:
            wrong, have = _against_category(said, own, code_list, words), _shown(own)
            reworded = words.nearness(said, own) < 1
        elif (reason := code_list.missing.get(code)) is not None:
            wrong, have = _against_reason(said, reason, code_list, words), f"missing ({reason})"
            reworded = said not in words.reasons.get(reason, ())
        else:
            continue  # a code of nobody; one that somebody has is refused by clean
        if wrong is not None:
            yield code, f"code {code} is {_shown(label)} in the file, {wrong}, and {have} in the catalogue", True
        elif reworded:
            yield code, f"code {code} is {_shown(label)} in the file, {have} in the catalogue", False


def _declared(
    codebook: Codebook, variable: m.Variable, code_list: m.CodeList, occurring: set[str], reverse: bool
) -> Iterator[tuple[str, str]]:
    """Yield codes that the file declares missing and the catalogue counts, and, with `reverse`, the other way round."""
    column = variable.column
    for code, category in code_list.codes.items():
        if codebook.declares(column, code):
            yield code, f"code {code} is declared missing in the file, and {_shown(category)} in the catalogue"
    if not code_list.codes:
        # The values of a number are a respondent's own, so they are counted and not shown.
        count = sum(codebook.declares(column, code) for code in occurring - set(code_list.missing))
        if count:
            yield ANY, f"{count} value(s) are declared missing in the file, and numbers in the catalogue"
    if reverse:
        for code, reason in code_list.missing.items():
            if code != "" and code in occurring and not codebook.declares(column, code):
                yield code, f"code {code} is not declared missing in the file, and missing ({reason}) in the catalogue"


def _new(codebook: Codebook, variable: m.Variable, code_list: m.CodeList, occurring: set[str]) -> Iterator[str]:
    """Yield codes that somebody has, the file labels and the catalogue does not know."""
    for code, label in codebook.labels.get(variable.column, {}).items():
        if code in occurring and code not in code_list.codes and code not in code_list.missing:
            yield f"code {code} is {_shown(label)} in the file, and not in the catalogue"


def compare(raw: pd.DataFrame, codebook: Codebook, wave_id: str, catalogue: Catalogue) -> Outcome:
    """Hold a file's codebook against a wave's entry.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        Says which codes occur. Not modified.
    codebook : Codebook
        What the file carries; empty of a text file without a dictionary.
    wave_id : str
        A microdata wave.
    catalogue : Catalogue

    Returns
    -------
    Outcome
        A variable's line names the variable, its column, at most five codes, and where they are put right.
    """
    wave = catalogue.microdata_waves[wave_id]
    words = _Words(catalogue.rules.codebook)
    by_dictionary = wave.file.format in ("tab", "csv") and any(codebook.missing.values())
    declaring = wave.file.format in DECLARING or by_dictionary
    contradictions, reworded = [], []
    for name, variable in wave.variables.items():
        if variable.column not in raw:
            continue
        code_list = _known(catalogue, variable)
        occurring = set(pd.unique(as_codes(raw[variable.column])))
        signed = variable.labels_differ
        labels = [(code, said, wrong) for code, said, wrong in _labels(codebook, variable, code_list, words)]
        reverse = declaring and wave.file.missing_undeclared is None
        differ = [said for code, said, wrong in labels if wrong and code not in signed]
        differ += [s for c, s in _declared(codebook, variable, code_list, occurring, reverse) if c not in signed]
        differ += _new(codebook, variable, code_list, occurring)
        where = f"{wave_id} {variable.column} ({catalogue.codes_at(wave_id, name)})"
        if differ:
            contradictions.append(f"{where}: {listed(differ)}.")
        reworded += [f"{name}: {said}" for code, said, wrong in labels if not wrong and code not in signed]
    return Outcome(tuple(contradictions), tuple(reworded))


def _known(catalogue: Catalogue, variable: m.Variable) -> m.CodeList:
    """Return a variable's codes; of bands and numbers only the missing ones are codes."""
    found = catalogue.codes(variable)
    # A code list has a category; a number has none, and is compared with nothing.
    return found if found is not None else m.CodeList.model_construct(codes={}, missing=dict(variable.missing))


def check(raw: pd.DataFrame, codebook: Codebook, wave_id: str, catalogue: Catalogue) -> tuple[str, ...]:
    """Stop a wave whose file contradicts the catalogue.

    Parameters
    ----------
    raw, codebook, wave_id, catalogue
        As for `compare`.

    Returns
    -------
    tuple of str
        Labels that say the same in other words, for a person to look at.

    Raises
    ------
    CleaningError
        A line for each variable that differs, and how to sign a difference.
    """
    outcome = compare(raw, codebook, wave_id, catalogue)
    if outcome.contradictions:
        raise CleaningError(
            f"{wave_id}: {len(outcome.contradictions)} variable(s) differ from the codebook inside the file.\n"
            + "\n".join(outcome.contradictions)
            + f"\nCorrect the codes in waves/{wave_id}.yaml or in the code list; or sign a difference that is meant "
            "under labels_differ of the variable, as code: reason (or under file.missing_undeclared, if the file "
            "declares no codes missing)."
        )
    return outcome.reworded
