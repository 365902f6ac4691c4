"""Match the columns of an unknown file to the variables of a known wave, with a confidence and the reasons.

Belongs here: how alike names, labels, codes, lists of items and answers are, and the best one-to-one matching.
Not here: what is in the file (inspection), which wave is near and what entry follows (propose).
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engagement_stats import itemlists
from engagement_stats.catalogue import model as m
from engagement_stats.inspection import SMALL, Column
from engagement_stats.roles import Confidence

# What each kind of evidence counts for, where there is any of it.
LABEL, NAME, CODES, CATEGORIES, ANSWERS, ITEM = 0.5, 0.2, 0.3, 0.3, 0.4, 0.4
EXACT, OTHER_CODES, OTHER_LABEL = 0.9, 0.76, 0.45
ACCEPTED, MEDIUM, HIGH = 0.62, 0.75, 0.9
SAME_TEXT = 0.95
UNLIKE_TEXT = 0.35
# Two texts that share fewer of their words than this are not compared further.
SHARED_WORDS = 0.25
SAME_NUMBER, SHORT_FOR = 0.7, 0.75
# Endings of names that say how a variable was coded, not what it is.
CODING = re.compile(r"_?(grp|groups?|bands?|cats?|rec|code|r|\d)$")
# A list in its place among the items of a list much like it needs no more than fitting codes.
LIST_IS_LIKE, ITEM_OF_LIKE_LIST = 0.75, 0.7
# A list of so many categories is not agreed with by chance, as yes and no are.
TELLING_CATEGORIES, AGREEING = 3, 0.8
# A difference of answers of a quarter of the respondents makes two questions wholly unlike.
ANSWERS_APART = 4.0


@dataclass(frozen=True)
class Known:
    """A variable of a known wave: its texts in the catalogue, its codes, and its column in that wave's own file."""

    id: str
    column: str
    texts: tuple[str, ...] = ()
    codes: m.CodeList | None = None
    itself: Column | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A column found for a known variable, how sure that is (0 to 1), and why."""

    known: Known
    column: Column
    score: float
    reason: str
    is_certain: bool

    @property
    def confidence(self) -> Confidence:
        """The score in words: high only for the same name or label with fitting codes."""
        if self.score >= HIGH and self.is_certain:
            return "high"
        return "medium" if self.score >= MEDIUM else "low"


def match(known: Sequence[Known], columns: Sequence[Column]) -> dict[str, Match]:
    """Find a column for each known variable, each column used once.

    Parameters
    ----------
    known : sequence of Known
    columns : sequence of Column

    Returns
    -------
    dict of str to Match
        By variable; those without a column that is like them are left out.
    """
    from scipy.optimize import linear_sum_assignment

    candidates = [c for c in columns if c.kind != "empty"]
    if not known or not candidates:
        return {}
    items = _lists_found(known, candidates)
    table = [[_alike(k, c, items.get(k.id)) for c in candidates] for k in known]
    scores = np.array([[x.score for x in row] for row in table])
    # A pair below the line must not be taken for the sake of another pair.
    rows, places = linear_sum_assignment(-np.where(scores >= ACCEPTED, scores, 0.0))
    return {
        known[r].id: Match(known[r], candidates[p], x.score, "; ".join(x.reasons), x.is_certain)
        for r, p in zip(rows, places, strict=True)
        if (x := table[r][p]).score >= ACCEPTED
    }


@dataclass(frozen=True, slots=True)
class _Likeness:
    score: float
    reasons: tuple[str, ...] = ()
    is_certain: bool = False


def _alike(known: Known, column: Column, item: "_Item | None") -> _Likeness:
    """Weigh the evidence that a column is a known variable."""
    fit = fits(known.codes, column)
    if known.column.lower() == column.name.lower():
        return _of_same_name(known, column, fit)
    text, told = _label_likeness(known, column)
    name, why = _name_likeness(known, column)
    evidence = [(NAME, name, why), *_more_evidence(known, column, fit, item)]
    if told:
        evidence.append((LABEL, text, "same label" if text >= SAME_TEXT else "similar label"))
    score = sum(w * s for w, s, _ in evidence) / sum(w for w, _, _ in evidence)
    if told and text >= SAME_TEXT and (fit is None or fit == 1):
        score = max(score, EXACT)
    elif item is not None and item.column == column.name and item.likeness >= LIST_IS_LIKE and fit == 1:
        score = max(score, ITEM_OF_LIKE_LIST)
    elif not told and item is None and name < SAME_NUMBER:
        # Codes and a spread of answers alone fit many columns.
        score = min(score, ACCEPTED - 0.01)
    reasons = tuple(said for _, s, said in evidence if s >= ACCEPTED and said)
    return _Likeness(score, reasons, told and text >= SAME_TEXT)


def _of_same_name(known: Known, column: Column, fit: float | None) -> _Likeness:
    """Trust a name that is the same, unless the label or the codes are of something else."""
    said = "same name" if known.column == column.name else f"{known.column} in other letter case"
    own = known.itself.label if known.itself is not None else ""
    if own and column.label and _label_likeness(known, column)[0] < UNLIKE_TEXT:
        return _Likeness(OTHER_LABEL, (said, "but another label"))
    if fit == 0:
        return _Likeness(OTHER_CODES, (said, *_codes_said(fit)))
    return _Likeness(EXACT + 0.1 * (1.0 if fit is None else fit), (said, *_codes_said(fit)), is_certain=True)


def _more_evidence(
    known: Known, column: Column, fit: float | None, item: "_Item | None"
) -> Iterator[tuple[float, float, str]]:
    """Yield the weight, the likeness and the words of what codes, answers and the place in a list say."""
    if fit is not None:
        yield CODES, fit, _codes_said(fit)[0]
    if known.codes is not None and (fit == 0 or len(known.codes.codes) >= TELLING_CATEGORIES):
        agreed = label_agreement(known.codes, column)
        if fit == 0 or agreed >= AGREEING:
            yield CATEGORIES, agreed if fit else 0.0, "same categories"
    if (answers := _answers_alike(known.itself, column)) is not None:
        yield ANSWERS, answers, "answers spread alike"
    if item is not None:
        yield ITEM, float(item.column == column.name), f"item {item.number} of a list as in {item.stem}"


def _codes_said(fit: float | None) -> tuple[str, ...]:
    if fit is None:
        return ()
    return ("same codes" if fit == 1 else "codes fit in part" if fit > 0 else "other codes",)


# Texts


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """Split a name or a label into lower-case words and numbers."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return tuple(re.findall(r"[a-z]+|\d+", spaced.lower().replace("'", "")))


@lru_cache(maxsize=200_000)
def text_likeness(one: str, other: str) -> float:
    """Return how alike two labels are, 0 to 1: the same words in the same order are 1.

    Examples
    --------
    >>> text_likeness("Region of England", "region of  england.")
    1.0
    """
    a, b = words(one), words(other)
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    shared = len(set(a) & set(b)) / len(set(a) | set(b))
    if shared < SHARED_WORDS:
        return shared
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _label_likeness(known: Known, column: Column) -> tuple[float, bool]:
    """Return how alike the labels are, and whether both sides have one."""
    own = known.itself.label if known.itself is not None else ""
    if not column.label:
        return 0.0, False
    if own:
        return max(text_likeness(t, column.label) for t in (own, *known.texts)), True
    told = [text_likeness(t, column.label) for t in known.texts]
    return (max(told), True) if told else (0.0, False)


def _name_likeness(known: Known, column: Column) -> tuple[float, str]:
    """Compare a column's name with the known column's and with the variable's own id and domain."""
    name = column.name.lower()
    if is_short_for(name, known.id):
        return SHORT_FOR, f"{column.name} is short for {known.id}"
    if _numbered(known.column) is not None and _numbered(known.column) == _numbered(column.name):
        return SAME_NUMBER, f"the question number of {known.column}"
    best, of = max((_letters_alike(name, n.lower()), n) for n in (known.column, known.id))
    return best, f"name like {of}"


@lru_cache(maxsize=200_000)
def _letters_alike(one: str, other: str) -> float:
    """Return how alike two names are, 0 to 1; only roughly where they are plainly unlike."""
    # As the matcher's quick_ratio, which counts the letters of both names anew for each pair.
    there = _letters(other)
    shared = sum([min(times, there[letter]) for letter, times in _letters(one).items() if letter in there])
    rough = 2 * shared / ((len(one) + len(other)) or 1)
    return rough if rough < 0.5 else difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


@lru_cache(maxsize=65536)
def _letters(name: str) -> dict[str, int]:
    """Return how often each letter is in a name."""
    return {letter: name.count(letter) for letter in set(name)}


@lru_cache(maxsize=65536)
def is_short_for(name: str, full: str) -> bool:
    """Say whether a name is made of beginnings of all the words of another, the way it was coded left aside.

    Examples
    --------
    >>> is_short_for("ltv", "likelihood_to_vote"), is_short_for("sgrade_grp", "social_grade")
    (True, True)
    >>> is_short_for("sex", "age")
    False
    """
    # Most pairs differ here, and a wide file has half a million.
    if name.lstrip("_")[:1].lower() != full[:1]:
        return False
    plain = CODING.sub("", name.lower()).replace("_", "")
    parts = CODING.sub("", full).split("_")

    def begins(rest: str, left: tuple[str, ...]) -> bool:
        if not left:
            return not rest
        sizes = range(min(len(rest), len(left[0])), 0, -1)
        return any(rest[:n] == left[0][:n] and begins(rest[n:], left[1:]) for n in sizes)

    return len(plain) > 2 and begins(plain, tuple(parts))


@lru_cache(maxsize=65536)
def _numbered(name: str) -> tuple[int, int] | None:
    """Read a question number and item from a name: Q7a and cu07_1 are both (7, 1); Q6 and cu06 both (6, 0)."""
    found = re.fullmatch(r"[a-z]{1,3}_?0*(\d{1,3})(?:_?([a-z])|_(\d{1,2}))?", name.lower())
    if found is None:
        return None
    letter, number = found[2], found[3]
    return int(found[1]), ord(letter) - ord("a") + 1 if letter else int(number or 0)


# Codes


def fits(codes: m.CodeList | None, column: Column) -> float | None:
    """Return how well a column's codes are those of a list, 0 to 1; None when either is not known.

    1 is: every code of the file is in the list, and most of the list's categories occur.
    """
    if codes is None or not codes.codes or column.kind == "not read":
        return None
    if column.kind != "codes":
        return 0.0
    # Labelled codes that nobody gave say nothing about a list that leaves them out.
    present = set(column.counts)
    inside = [c for c in present if c in codes.codes or c in codes.missing]
    if not present or not any(c in codes.codes for c in present) or swapped(codes, column):
        return 0.0
    covered = len(inside) / len(present)
    used = sum(c in present for c in codes.codes) / len(codes.codes)
    return 1.0 if covered == 1 and used >= 0.75 else covered * (0.4 + 0.4 * used)


def swapped(codes: m.CodeList, column: Column) -> list[str]:
    """Return the codes that the file labels with another code's category, as where 1 and 2 of sex change places."""
    by_words = {words(category): code for code, category in codes.codes.items()}
    return [
        code
        for code, label in column.labels.items()
        if code in codes.codes and by_words.get(words(label), code) != code and words(label) != words(codes.codes[code])
    ]


def label_agreement(codes: m.CodeList, column: Column) -> float:
    """Return the share of a column's labelled codes whose label holds the list's category."""
    both = [(words(codes.codes[c]), words(label)) for c, label in column.labels.items() if c in codes.codes]
    if len(both) < 2:
        return 0.0
    return sum(set(a) <= set(b) or set(b) <= set(a) for a, b in both) / len(both)


def _answers_alike(one: Column | None, other: Column) -> float | None:
    """Compare how answers spread over the codes both columns have; None without enough of both."""
    if one is None or "codes" not in (one.kind, other.kind) or not one.counts or not other.counts:
        return None
    if min(one.answered, other.answered) < 10 * SMALL:
        return None
    common = [c for c in one.counts if one.counts[c] >= SMALL]
    if set(common) != {c for c in other.counts if other.counts[c] >= SMALL}:
        return None
    apart = sum(abs(one.counts[c] / one.answered - other.counts[c] / other.answered) for c in common) / 2
    return max(0.0, 1.0 - ANSWERS_APART * apart)


# Lists of items: cu041 to cu0413 and Q5ai to Q5axiii are the same list under other names


@dataclass(frozen=True, slots=True)
class _Item:
    """The column that stands where a known item stands in its list."""

    column: str
    number: int
    stem: str
    likeness: float


def _lists_found(known: Sequence[Known], columns: Sequence[Column]) -> dict[str, _Item]:
    """Find, for each list of the known wave, the list of the file that is most like it, and pair the items."""
    by_column = {k.column: k for k in known}
    by_name = {c.name: c for c in columns}
    candidates = itemlists.find([c.name for c in columns])
    found: dict[str, _Item] = {}
    for stem, names in itemlists.find(list(by_column)).items():
        if any(n in by_name for n in names):
            continue
        wanted = [by_column[n] for n in names]
        rivals = [
            (likeness, others)
            for others in candidates.values()
            if len(others) >= len(wanted)
            and (likeness := _list_likeness(wanted, [by_name[n] for n in others])) is not None
        ]
        likeness, best = max(rivals, key=lambda x: x[0], default=(0.0, []))
        # With neither labels nor answers to go by, one list is as good as another.
        if likeness <= 0.5 and len(rivals) > 1:
            continue
        for number, (one, other) in enumerate(zip(wanted, best, strict=False), start=1):
            found[one.id] = _Item(other, number, stem.rstrip("~"), likeness)
    return found


def _list_likeness(wanted: Sequence[Known], columns: Sequence[Column]) -> float | None:
    """Return how alike two lists are item by item, 0.5 where nothing tells; None where codes do not fit."""
    pairs = list(zip(wanted, columns, strict=False))
    if any(fits(k.codes, c) == 0 for k, c in pairs):
        return None
    scores = []
    for k, c in pairs:
        text, told = _label_likeness(k, c)
        answers = _answers_alike(k.itself, c)
        scores.append(text if told else 0.5 if answers is None else answers)
    return float(np.mean(scores))


def by_column(columns: Sequence[Column]) -> Mapping[str, Column]:
    """Look columns up by name, letter case ignored; the first of two that differ in case only."""
    found: dict[str, Column] = {}
    for c in columns:
        found.setdefault(c.name.lower(), c)
    return found
