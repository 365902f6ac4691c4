"""Put the words of the house style around the numbers of one estimate, or of two set side by side.

Belongs here: which template a verdict allows, what is left out because it was just said, decimals that agree.
Not here: the public functions and the mark on synthetic numbers (phrase), rounding itself (rounding), who and when is
meant (people), the words (catalogue: data/style.yaml).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from engagement_stats import people as naming
from engagement_stats.catalogue import THRESHOLD, Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.style import Style, Verdicts
from engagement_stats.differences import CONFIDENCE
from engagement_stats.rounding import (
    MOST_DECIMALS,
    agreeing,
    away_from_nothing,
    decimals_of,
    percentage,
    published_decimals,
    rounded,
)

Quantity = Literal["difference", "ratio"]


def known(value: object) -> bool:
    """Say whether there is a value: neither null nor NaN."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Figure:
    """A row of estimates as readers see it: shares as percentages, and what it may be shown with."""

    row: Any
    share: bool
    value: float
    most: int

    @classmethod
    def of(cls, row: Any) -> "Figure":
        """Take a row of estimates that has a number."""
        share = row.unit == "proportion"
        scale = 100.0 if share else 1.0
        rounding = row.rounding if known(row.rounding) else 0.0
        return cls(row, share, scale * row.estimate, published_decimals(rounding, scale))

    @property
    def scale(self) -> float:
        """What an estimate is multiplied by for readers."""
        return 100.0 if self.share else 1.0

    @property
    def extreme(self) -> bool:
        """Whether it is exactly none or all, and nobody rounded it to that."""
        exact = not (known(self.row.rounding) and self.row.rounding > 0)
        return self.share and exact and self.value in (0, 100)


@dataclass
class Voice:
    """The words of one catalogue, with what was already put together."""

    catalogue: Catalogue
    names: dict[tuple[str, str, str, bool], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        style = self.catalogue.style
        self.style, self.words, self.verdicts = style, style.figures, style.comparisons

    # --- one estimate

    def people(self, row: Any, *, everyone: bool = False) -> str:
        """Name the people of a row of estimates."""
        key = (row.wave, row.domain, row.level, everyone)
        if key not in self.names:
            side = m.Side(wave=row.wave, indicator=row.indicator, domain=row.domain, level=row.level)
            self.names[key] = naming.group(self.catalogue, side, everyone=everyone)
        return self.names[key]

    def _value(self, figure: Figure, decimals: int) -> str:
        number = rounded(figure.value, decimals)
        return self.words.per_cent.format(number=number) if figure.share else number

    def _least(self, figure: Figure) -> int:
        return 0 if figure.share else self.style.mean_decimals

    def decimals(self, figure: Figure) -> int:
        """Return the fewest decimals with which a figure may stand alone: its interval is not shown without width."""
        decimals = decimals_of(figure.value, self._least(figure), figure.most, share=figure.share)
        if figure.row is None:  # a stated number
            return decimals
        low, high = figure.row.ci_lower, figure.row.ci_upper
        while decimals < figure.most and known(low) and _shown_alike(figure.scale * low, figure.scale * high, decimals):
            decimals += 1
        return decimals

    def _interval(self, figure: Figure, decimals: int, *, after: Figure | None = None, worded: bool = False) -> str:
        """Say an interval; without its name when one of the same confidence was said just before."""
        row, words = figure.row, self.words
        if not known(row.ci_lower):
            return words.no_base if getattr(row, "base_is", None) == "unknown" else words.no_interval
        low, high = (rounded(figure.scale * x, decimals) for x in (row.ci_lower, row.ci_upper))
        template = words.interval
        if worded and figure.extreme:
            template = words.interval_in_full
        elif after is not None and known(after.row.ci_lower) and after.row.confidence == row.confidence:
            template = words.interval_again
        said = template.format(confidence=percentage(row.confidence), low=low, high=high)
        return words.interval_assumed.format(interval=said) if row.variance_basis == "assumed" else said

    def figure(self, figure: Figure, decimals: int, source: str) -> str:
        """Say one estimate with its people, time and source, beginning in lower case."""
        row, words = figure.row, self.words
        phrase = self.catalogue.indicators[row.indicator].phrase
        if not figure.share:
            template = words.mean
        elif figure.extreme:
            template = words.none if figure.value == 0 else words.all
        else:
            template = words.proportion
        said = template.format(
            value=self._value(figure, decimals), interval=self._interval(figure, decimals, worded=True),
            people=self.people(row), phrase=phrase,
        )  # fmt: skip
        return self.placed(said, row.wave, source)

    def placed(self, said: str, wave: str, source: str) -> str:
        """Put time and source to what is said."""
        when, source = naming.when(self.catalogue, wave), _inner(source)
        if when is None:
            return self.words.source_without_time.format(said=said, source=source)
        return self.words.in_time.format(when=when, said=self.words.source.format(said=said, source=source))

    def wave(self, wave: str) -> str:
        """Name a wave."""
        return self.catalogue.waves[wave].label

    # --- two of them

    def _source(self, left: Any, right: Any) -> str:
        """Name where both come from: their series, where one sentence speaks of two of its waves."""
        wave = self.catalogue.waves[left.wave]
        other = None if right is None else self.catalogue.waves[right.wave]
        if (
            other is None
            or wave is other
            or wave.series is None
            or (wave.survey, wave.series) != (other.survey, other.series)
        ):
            return wave.label
        return self.catalogue.surveys[wave.survey].series[wave.series].label

    def _beside(self, left: Figure, right: Figure, decimals: int, kind: str) -> str:
        """Say the second estimate of a comparison, leaving out what was just said of the first."""
        return " ".join(self._parts_beside(left, right, decimals, kind))

    def _parts_beside(self, left: Figure, right: Figure, decimals: int, kind: str) -> Iterator[str]:
        words, a, b = self.style.beside, left.row, right.row
        series = kind.startswith("series")
        template = words.figure if series else words.figure_after_article
        yield template.format(value=self._value(right, decimals), interval=self._interval(right, decimals, after=left))
        people = self.people(b, everyone=kind == "levels:total")
        if kind.startswith("levels") or people != self.people(a):
            yield words.among.format(people=people)
        if a.indicator != b.indicator:
            yield words.who.format(phrase=self.catalogue.indicators[b.indicator].phrase)
        if a.wave == b.wave:
            return
        when = naming.when(self.catalogue, b.wave)
        if when is not None:
            yield words.in_time.format(when=when)
        if self._source(a, b) == self.wave(a.wave):
            yield words.source.format(source=_inner(self.wave(b.wave)))

    def _threshold(self, row: Any, left: Figure) -> tuple[Figure, str]:
        """Make a figure of a stated number: it has no doubt and is shown in full."""
        label = row.right_level if row.right_level.startswith("the ") else f"the {row.right_level}"
        figure = Figure(None, left.share, left.scale * row.right_estimate, MOST_DECIMALS)
        return figure, label

    def comparison(self, row: Any, left_row: Any, right_row: Any, quantity: Quantity) -> str:
        """Say a comparison without its mark and full stop."""
        if row.is_suppressed:
            theirs = {s.symbol for s in (left_row, right_row) if s is not None and s.is_suppressed}
            hidden = theirs & set(self.verdicts.symbols_not_a_number)
            return self.verdicts.not_a_number if hidden else self.verdicts.suppressed
        left = Figure.of(left_row)
        source = self._source(left_row, right_row)
        if row.verdict == "not comparable":
            return self._not_comparable(row, left, Figure.of(right_row))
        label = ""
        if row.kind == THRESHOLD:
            right, label = self._threshold(row, left)
        else:
            right = Figure.of(right_row)
        spoken = quantity if known(row.ratio_ci_lower) else "difference"
        d_left, d_right, d_size, d_ends = self._precision(row, left, right, spoken)
        said = self.figure(left, d_left, source)
        if label:
            beside = self.style.beside.threshold.format(label=label, value=self._value(right, d_right))
        else:
            beside = self._beside(left, right, d_right, row.kind if spoken == "difference" else "pair")
        template, kind = self._template(row, left, right, spoken)
        sentence = template.format(
            left=said, right=beside, count=row.family_size,
            size=self._size(row, left, d_size, spoken), interval=self._ends(row, left, d_ends, spoken),
        )  # fmt: skip
        return self._indicative(row, sentence) if row.grade == "indicative" and kind else sentence

    def _not_comparable(self, row: Any, left: Figure, right: Figure) -> str:
        """Say both figures and why they are not to be set against each other; no direction, no size."""
        sides = [self.figure(f, self.decimals(f), self.wave(f.row.wave)) for f in (left, right)]
        return self.verdicts.not_comparable.format(left=sides[0], right=sides[1], axes=self._axes(row))

    def _axes(self, row: Any) -> str:
        names = [self.style.axes[a] for a in row.differs_on.split(", ") if a]
        return _listed(names) if names else self.style.axes["concept"]

    def _indicative(self, row: Any, sentence: str) -> str:
        axes = [a for a in row.differs_on.split(", ") if a]
        reasons = [self.verdicts.indicative_break] if "series_break" in axes else []
        others = [self.style.axes[a] for a in axes if a != "series_break"]
        if others:
            reasons.append(self.verdicts.indicative_axes.format(axes=_listed(others)))
        if not reasons:
            return self.verdicts.indicative.format(said=sentence)
        return self.verdicts.indicative_because.format(said=sentence, reasons=_listed(reasons))

    def _template(self, row: Any, left: Figure, right: Figure, quantity: Quantity) -> tuple[str, bool]:
        """Choose the sentence by the verdict, and say whether it speaks of a difference at all."""
        verdicts: Verdicts = getattr(self.verdicts, row.kind.split(":")[0])
        if not known(row.verdict):
            return verdicts.no_standard_error, False
        if row.verdict in ("higher", "lower"):
            return (self.verdicts.ratio.clear if quantity == "ratio" else getattr(verdicts, row.verdict)), True
        if row.p_value == 1 and self._hidden_by_rounding(row, left, right):
            return verdicts.too_coarse, False
        if row.ci_lower > 0 or row.ci_upper < 0:
            return verdicts.not_clear_together, True
        sides = (left.value / left.scale, right.value / left.scale)
        small = similar((row.ci_lower, row.ci_upper), sides, self.style, share=left.share)
        word = "similar" if small else "no_clear_difference"
        return getattr(self.verdicts.ratio if quantity == "ratio" else verdicts, word), True

    def _hidden_by_rounding(self, row: Any, left: Figure, right: Figure) -> bool:
        """Say whether a difference that rounding can hide would be a clear one.

        The interval of a difference is its reach without rounding, widened by the rounding of both figures.
        """
        rounding = sum(f.row.rounding for f in (left, right) if f.row is not None and known(f.row.rounding))
        reach = (row.ci_upper - row.ci_lower) / 2 - rounding
        return bool(rounding > 0 and abs(row.difference) + rounding > reach)

    def _precision(self, row: Any, left: Figure, right: Figure, quantity: Quantity) -> tuple[int, int, int, int]:
        """Decimals of both figures, of what is made of them and of its interval."""
        ratio = quantity == "ratio"
        low, high = self._limits(row, left, quantity)
        near = min((low, high), key=lambda x: abs(x - ratio))
        if row.verdict in ("higher", "lower"):
            return agreeing(
                left.value, right.value, row.ratio if ratio else left.scale * row.difference, near, ratio=ratio,
                share=left.share, least=self._least(left), most=(left.most, right.most),
            )  # fmt: skip
        ends = self._least(left) + ratio
        if known(low) and not low <= ratio <= high:
            ends = away_from_nothing(near, ends, ratio=ratio)
        while known(low) and ends < MOST_DECIMALS and rounded(low, ends) == rounded(high, ends):
            ends += 1
        return self.decimals(left), self.decimals(right), ends, ends

    def _limits(self, row: Any, left: Figure, quantity: Quantity) -> tuple[float, float]:
        if quantity == "ratio":
            return row.ratio_ci_lower, row.ratio_ci_upper
        return left.scale * row.ci_lower, left.scale * row.ci_upper

    def _size(self, row: Any, left: Figure, decimals: int, quantity: Quantity) -> str:
        """Say a difference without its sign, or a ratio."""
        if quantity == "ratio":
            return self.words.times.format(number=rounded(row.ratio, decimals))
        return self._points(rounded(abs(left.scale * row.difference), decimals), left)

    def _points(self, number: str, left: Figure) -> str:
        if not left.share:
            return number
        return (self.words.one_point if number == "1" else self.words.points).format(number=number)

    def _ends(self, row: Any, left: Figure, decimals: int, quantity: Quantity) -> str:
        """Say the interval of a difference, signed by its direction where there is one: the near end first."""
        low, high = self._limits(row, left, quantity)
        if not known(low):
            return self.words.no_interval
        directed = row.verdict in ("higher", "lower") and quantity == "difference"
        if directed and row.difference < 0:
            low, high = -high, -low
        ends = [self._signed(rounded(x, decimals)) for x in (low, high)]
        said = self.words.interval.format(confidence=percentage(CONFIDENCE), low=ends[0], high=ends[1])
        return f"{said} percentage points" if left.share and quantity == "difference" and not directed else said

    def _signed(self, number: str) -> str:
        return self.words.minus.format(number=number[1:]) if number.startswith("-") else number


def similar(interval: tuple[float, float], sides: tuple[float, float], style: Style, *, share: bool) -> bool:
    """Say whether two figures without a clear difference may be called similar: all of its interval is small."""
    widest = max(abs(x) for x in interval)
    within = not share or widest <= style.similar.within
    return within and widest <= style.similar.relative * max(abs(x) for x in sides)


def _shown_alike(low: float, high: float, decimals: int) -> bool:
    return low < high and rounded(low, decimals) == rounded(high, decimals)


def _inner(text: str) -> str:
    """Write round brackets as square ones, for text that goes into brackets itself."""
    return text.replace("(", "[").replace(")", "]")


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
