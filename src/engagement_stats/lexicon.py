"""Read a number phrase: from "just over half" to the range of numbers its words cover.

Belongs here: putting modifier, number and direction together, and whether a number lies in the range.
Not here: the words and their ranges (catalogue/data/lexicon.yaml), verdicts on claims (claim).
Methods: docs/methods.md#number-phrases
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from engagement_stats.errors import CatalogueError

if TYPE_CHECKING:  # the catalogue itself reads phrases when it is loaded
    from engagement_stats.catalogue.model import Quantity, Unit
    from engagement_stats.catalogue.words import Direction, Form, Lexicon, Modifier, Phrase

# Decimal fractions added up in binary miss their sum by less than this.
HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Meaning:
    """What words are taken to cover: a range of a quantity, infinite where an end is open.

    `sure_lower` and `sure_upper` are what an interval must keep within for the words to be established, mostly the
    range itself. `excluded` says that these ends are left out. `bounds` tells words that draw a limit from words that
    come close to a number. `from_end` counts a rank from the lowest.
    """

    words: str
    quantity: "Quantity"
    unit: "Unit"
    value: float
    lower: float
    upper: float
    sure_lower: float
    sure_upper: float
    excluded: bool
    bounds: bool
    from_end: bool
    source: str

    def covers(self, number: float) -> bool:
        """Say whether a number lies in the range.

        Examples
        --------
        >>> read("more than half").covers(0.5), read("at least half").covers(0.5)
        (False, True)
        """
        strict = self.excluded and (self.lower, self.upper) == (self.sure_lower, self.sure_upper)
        return _within(number, number, self.lower, self.upper, strict)

    def holds(self, low: float, high: float) -> bool:
        """Say whether all of an interval is what the words need to be established."""
        return _within(low, high, self.sure_lower, self.sure_upper, self.excluded)

    def touches(self, low: float, high: float) -> bool:
        """Say whether any of an interval lies in the range."""
        return low <= self.upper + _hair(self.upper) and high >= self.lower - _hair(self.lower)


@dataclass(frozen=True, slots=True)
class _Bare:
    """A number without modifier or direction; `half` a unit of its last digit, None for one in words."""

    quantities: "list[Quantity]"
    unit: "Unit"
    value: float
    half: float | None
    lower: float
    upper: float
    excluded: bool
    bounds: bool
    from_end: bool
    source: str


def _hair(end: float) -> float:
    return HAIR * max(1.0, abs(end)) if math.isfinite(end) else 0.0


def _within(low: float, high: float, lower: float, upper: float, strict: bool) -> bool:
    if strict:
        return low > lower + _hair(lower) and high < upper - _hair(upper)
    return low >= lower - _hair(lower) and high <= upper + _hair(upper)


@cache
def packaged() -> "Lexicon":
    """Return the lexicon that ships with the package."""
    from engagement_stats.catalogue import DEFAULT, strictyaml
    from engagement_stats.catalogue.words import Lexicon

    return Lexicon.model_validate(strictyaml.read(DEFAULT / "lexicon.yaml"))


def read(words: str, entries: "Lexicon | None" = None, quantity: "Quantity | None" = None) -> Meaning:
    """Read a number phrase.

    Parameters
    ----------
    words : str
        The phrase alone: "just over half", "fell by a sixth", "36.5 per cent", "one in three".
    entries : Lexicon, optional
        The package's own when not given.
    quantity : str, optional
        What the words speak of, where they may speak of several things: "half" may be a level or a ratio.

    Returns
    -------
    Meaning
        Shares, ratios and changes as fractions of one, percentage points as differences of shares.

    Raises
    ------
    CatalogueError
        The words are no number phrase the lexicon knows, or do not speak of that quantity.

    Notes
    -----
    Source: the ranges are conventions, each entry naming its own; a number in digits covers half a unit of the last
    digit given, the bound of rounding.
    Verified: every entry, and a table of phrases worked by hand, tests/test_lexicon.py.

    Examples
    --------
    >>> m = read("just over half")
    >>> m.quantity, m.lower, m.upper, m.bounds
    ('ratio', 0.5, 0.6, False)
    >>> m = read("fell by more than 2.5 per cent")
    >>> m.quantity, m.upper, m.bounds
    ('relative_change', -0.025, True)
    """
    lexicon = packaged() if entries is None else entries
    plain = _plain(words)
    for text in _stripped(plain, lexicon):
        for meaning in _readings(text, words, lexicon, quantity):
            return meaning
    asked = f" of a {quantity.replace('_', ' ')}" if quantity else ""
    raise CatalogueError(
        f'lexicon.yaml: "{words}" is not a number phrase{asked} that it knows. Add its words to the lexicon, or state '
        "a range of the claim's own with the convention for it."
    )


def _plain(words: str) -> str:
    """Write a phrase in one way: small letters, single spaces, no hyphens between words."""
    text = words.lower().replace("\N{NO-BREAK SPACE}", " ")
    text = re.sub(r"(?<=\w)[-\N{NON-BREAKING HYPHEN}\N{EN DASH}](?=\w)", " ", text)
    return re.sub(r"\s+", " ", text).strip(" .,;:")


def _stripped(text: str, lexicon: "Lexicon") -> Iterator[str]:
    """Give the phrase, then the phrase without words around it that alter nothing."""
    yield text
    heads = [h for h in lexicon.ignored.before if text.startswith(h + " ")]
    tails = [t for t in lexicon.ignored.after if text.endswith(" " + t)]
    for head in ["", *heads]:
        for tail in ["", *tails]:
            if head or tail:
                yield text[len(head) : len(text) - len(tail)].strip()


def _readings(text: str, words: str, lexicon: "Lexicon", quantity: "Quantity | None") -> Iterator[Meaning]:
    for phrase in lexicon.phrases.values():
        if text in phrase.words and (chosen := _chosen(phrase.quantities, quantity)):
            yield _of_phrase(phrase, words, chosen, lexicon)
    for direction, undirected in _taken_off(text, lexicon.directions):
        for modifier, rest in _taken_off(undirected, lexicon.modifiers):
            for bare in _numbers(rest, lexicon):
                chosen = _chosen(_directed(bare.quantities) if direction else bare.quantities, quantity)
                if chosen is not None:
                    made = _put_together(words, chosen, bare, modifier, lexicon)
                    yield _signed(made, direction.sign) if direction else made


def _chosen(quantities: "list[Quantity]", asked: "Quantity | None") -> "Quantity | None":
    if asked is None:
        return quantities[0] if quantities else None
    return asked if asked in quantities else None


def _directed(quantities: "list[Quantity]") -> "list[Quantity]":
    return [q for q in quantities if q in ("relative_change", "difference")]


def _taken_off(text: str, entries: "dict[str, Modifier] | dict[str, Direction]") -> Iterator[tuple]:
    """Give each entry whose words open or close the text with what is left, the longest words first, then none."""
    found = []
    for entry in entries.values():
        found += [(len(w), entry, text[len(w) + 1 :]) for w in entry.before if text.startswith(w + " ")]
        found += [(len(w), entry, text[: -len(w) - 1]) for w in entry.after if text.endswith(" " + w)]
    for _, entry, rest in sorted(found, key=lambda f: -f[0]):
        yield entry, rest
    yield None, text


def _numbers(text: str, lexicon: "Lexicon") -> Iterator[_Bare]:
    """Give each reading of a bare number, with what it covers."""
    for number in lexicon.numbers.values():
        if text in number.words:
            ends = _spread(number.value, lexicon)
            if number.lower is not None or number.upper is not None:
                ends = _end(number.lower, -math.inf), _end(number.upper, math.inf)
            yield _Bare(
                number.quantities, _unit(number.quantities[0], "share"), number.value, None, *ends, number.excluded,
                number.bounds, number.from_end, number.source or lexicon.source,
            )  # fmt: skip
    for form, pattern in _patterns(lexicon):
        match = pattern.fullmatch(text)
        if match and (found := _value(match, form, lexicon)):
            value, half = found
            ends = _spread(value, lexicon) if half is None else (value - half, value + half)
            yield _Bare(
                form.quantities, form.unit, value, half, *((1.0, value) if form.at_most else ends), False,
                form.at_most, False, form.source or lexicon.source,
            )  # fmt: skip


def _spread(value: float, lexicon: "Lexicon") -> tuple[float, float]:
    return value * (1 - lexicon.spread), value * (1 + lexicon.spread)


def _end(number: float | None, infinite: float) -> float:
    return infinite if number is None else number


def _unit(quantity: "Quantity", unit: "Unit") -> "Unit":
    return "number" if quantity == "rank" else unit


@lru_cache(maxsize=4)
def _compiled(words: tuple[str, ...], multipliers: tuple[str, ...], patterns: tuple[str, ...]) -> list:
    figure = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
    times = "|".join(sorted(map(re.escape, multipliers), key=len, reverse=True))
    word = "|".join(sorted(map(re.escape, words), key=len, reverse=True))

    def number(name: str) -> str:
        return rf"(?:(?P<{name}_figure>{figure})(?:\s?(?P<{name}_times>{times}))?|(?P<{name}_word>{word}))"

    return [re.compile(re.escape(p).replace(r"\{n\}", number("n")).replace(r"\{m\}", number("m"))) for p in patterns]


def _patterns(lexicon: "Lexicon") -> Iterator[tuple["Form", re.Pattern[str]]]:
    forms = [(f, p) for f in lexicon.forms.values() for p in f.patterns]
    compiled = _compiled(tuple(lexicon.number_words), tuple(lexicon.multipliers), tuple(p for _, p in forms))
    for (form, _), pattern in zip(forms, compiled, strict=True):
        yield form, pattern


def _value(match: re.Match[str], form: "Form", lexicon: "Lexicon") -> tuple[float, float | None] | None:
    """Return a number's value and half a unit of its last digit (None for a number in words); nothing for one in 0."""
    parts = match.groupdict()
    value, half = _one(parts, "n", form, lexicon)
    if "m_figure" in parts:
        of = _one(parts, "m", form, lexicon)[0]
        return (float(value / of), None) if of else None
    scale = Decimal(str(form.scale))
    return float(value * scale), float(half * scale) if form.digits else None


def _one(parts: dict[str, str | None], name: str, form: "Form", lexicon: "Lexicon") -> tuple[Decimal, Decimal]:
    if word := parts[f"{name}_word"]:
        return Decimal(lexicon.number_words[word]), Decimal("0.5")
    digits = (parts[f"{name}_figure"] or "").replace(",", "")
    times = Decimal(str(lexicon.multipliers.get(parts[f"{name}_times"] or "", 1)))
    last = -len(digits.partition(".")[2])
    if form.round_zeros and last == 0:
        last = len(digits) - len(digits.rstrip("0")) if digits.strip("0") else 0
    return Decimal(digits) * times, Decimal(5).scaleb(last - 1) * times


def _put_together(
    words: str, quantity: "Quantity", bare: _Bare, modifier: "Modifier | None", lexicon: "Lexicon"
) -> Meaning:
    plain = Meaning(
        words, quantity, bare.unit, bare.value, bare.lower, bare.upper, bare.lower, bare.upper, bare.excluded,
        bare.bounds, bare.from_end, bare.source,
    )  # fmt: skip
    multiples = None if modifier is None else (modifier.worded if bare.half is None else modifier.digits)
    if modifier is None or multiples is None:
        return plain
    lower, upper = _reach(bare.value, multiples, bare.half)
    sure = _reach(bare.value, modifier.sure, bare.half) if modifier.sure else (lower, upper)
    return replace(
        plain, lower=lower, upper=upper, sure_lower=sure[0], sure_upper=sure[1], excluded=modifier.excluded,
        bounds=modifier.bounds, source=modifier.source or lexicon.source,
    )  # fmt: skip


def _reach(value: float, multiples: tuple[float | None, float | None], half: float | None) -> tuple[float, float]:
    """Return the ends at these multiples of a number, no nearer to one in digits than its rounding."""
    low, high = multiples
    lower = -math.inf if low is None else value * low
    upper = math.inf if high is None else value * high
    if half is not None and low is not None and low < 1:
        lower = min(lower, value - half)
    if half is not None and high is not None and high > 1:
        upper = max(upper, value + half)
    return lower, upper


def _of_phrase(phrase: "Phrase", words: str, quantity: "Quantity", lexicon: "Lexicon") -> Meaning:
    lower, upper = _end(phrase.lower, -math.inf), _end(phrase.upper, math.inf)
    return Meaning(
        words, quantity, "share", phrase.value, lower, upper,
        lower if phrase.sure_lower is None else phrase.sure_lower,
        upper if phrase.sure_upper is None else phrase.sure_upper,
        phrase.excluded, phrase.bounds, False, phrase.source or lexicon.source,
    )  # fmt: skip


def _signed(meaning: Meaning, sign: int) -> Meaning:
    """Turn a size into a change: a fall is below nought, and its open end is further below."""
    if sign > 0:
        return replace(meaning, lower=max(meaning.lower, 0.0), sure_lower=max(meaning.sure_lower, 0.0))
    return replace(
        meaning, value=-meaning.value, lower=-meaning.upper, upper=min(-meaning.lower, 0.0),
        sure_lower=-meaning.sure_upper, sure_upper=min(-meaning.sure_lower, 0.0),
    )  # fmt: skip
