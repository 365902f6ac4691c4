"""What a name in a briefing's template becomes: text with its footnotes, a table or a list.

Belongs here: these pieces, and the footnote of an estimate and of a comparison.
Not here: which row is meant (names), how a piece looks in Markdown or Word (markdown, word),
and the rounding of a number (phrase).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engagement_stats import phrase, rounding

Row = Mapping[str, Any]

SYNTHETIC_MARK = f"[{phrase.SYNTHETIC}]"
SYNTHETIC_NOTICE = f"{phrase.SYNTHETIC}: numbers so marked rest on invented respondents. Never quote them."
SUPPRESSED = "[c]"
SUPPRESSED_WHY = "[c]: too few people answered to publish this figure."
NOT_AVAILABLE = "not available"
BASES = {
    "design": "The interval follows from the sample design.",
    "weights_only": "The interval allows for the weights, and not for strata and sampling units.",
    "calibrated": "The interval follows from the sample design and the margins weighted to.",
    "replicate": "The interval follows from replicate weights.",
    "published": "The interval is the producer's.",
    "assumed": "The interval rests on an assumed design effect.",
}
# What a reader of the document should know, where the words occur in it.
READING = {
    "per cent": "Numbers are rounded for reading from unrounded values; differences are taken before rounding.",
    "interval": "A 95% interval shows how far a number may be off because a sample was asked and not everybody.",
    "no clear difference": '"No clear difference" means that chance could explain it, not that there is none.',
    "not comparable": (
        '"Not comparable" means that two figures do not measure the same thing in the same way, so that neither may be '
        "called higher or lower."
    ),
    SUPPRESSED: "[c] stands for a figure withheld because too few people answered.",
    "[u]": "[u] stands for a figure of low reliability.",
    phrase.SYNTHETIC: SYNTHETIC_NOTICE,
}  # fmt: skip


@dataclass(frozen=True)
class Note:
    """A footnote, as plain text."""

    text: str


Spans = tuple[str | Note, ...]


@dataclass(frozen=True)
class Text:
    """Words within a paragraph, with footnotes; `caveats` are (what they are about, the caveats)."""

    spans: Spans
    caveats: tuple[tuple[str, str], ...] = ()
    synthetic: bool = False


@dataclass(frozen=True)
class Table:
    """A table: a caption, headings, and cells each of which may have footnotes."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Spans, ...], ...]
    right: frozenset[int] = field(default_factory=frozenset)
    caveats: tuple[tuple[str, str], ...] = ()
    synthetic: bool = False


@dataclass(frozen=True)
class Listing:
    """Sentences, one a line."""

    items: tuple[str, ...]
    caveats: tuple[tuple[str, str], ...] = ()
    synthetic: bool = False


Piece = Text | Table | Listing


def spans_of(piece: Piece) -> Iterator[str | Note]:
    """Yield every word and footnote of a piece, in reading order."""
    if isinstance(piece, Text):
        yield from piece.spans
    elif isinstance(piece, Table):
        yield piece.caption
        yield from piece.headings
        for row in piece.rows:
            for cell in row:
                yield from cell
    else:
        yield from piece.items


def reading_notes(pieces: list[Piece]) -> Listing:
    """Explain the terms that occur in these pieces or in their footnotes."""
    said = "\n".join(s.text if isinstance(s, Note) else s for p in pieces for s in spans_of(p))
    return Listing(tuple(line for word, line in READING.items() if word in said))


def stopped(text: str) -> str:
    """End a text with one full stop."""
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!")) else f"{text}."


def number(value: float | None, unit: str, decimals: int | None = None) -> str:
    """Write a number without its unit: per cents whole, means to two decimals, unless told otherwise."""
    if value is None:
        return NOT_AVAILABLE
    if unit == "proportion":
        return phrase.percentage(value, decimals or 0)
    return phrase.rounded(value, 2 if decimals is None else decimals)


def value(row: Row, decimals: int | None = None, sign: str = " per cent") -> str:
    """Write an estimate with its unit, or why there is none."""
    if row["is_suppressed"]:
        return SUPPRESSED
    if row["estimate"] is None:
        return NOT_AVAILABLE
    unit = sign if row["unit"] == "proportion" else ""
    return f"{number(row['estimate'], row['unit'], published_decimals(row, decimals))}{unit}"


def published_decimals(row: Row, decimals: int | None) -> int | None:
    """Give no more decimals than a published figure has."""
    if decimals is None:
        return None
    scale = 100 if row["unit"] == "proportion" else 1
    return min(decimals, rounding.published_decimals(row["rounding"] or 0.0, scale))


def interval(row: Row, decimals: int | None = None) -> str:
    """Write the interval of an estimate, or that there is none."""
    if row["is_suppressed"]:
        return SUPPRESSED
    if row["ci_lower"] is None:
        return "no interval can be given"
    low, high = (number(row[end], row["unit"], decimals) for end in ("ci_lower", "ci_upper"))
    return f"{phrase.percentage(row['confidence'])}% interval {low} to {high}"


def base(row: Row) -> str:
    """Write the base of an estimate."""
    if row["is_suppressed"]:
        return SUPPRESSED
    if row["base_unweighted"] is None:
        return "not known"
    about = "about " if row["base_is"] == "approximate" else ""
    return f"{about}{row['base_unweighted']:,}"


def estimate_note(row: Row, decimals: int | None = None) -> str:
    """Say of one estimate what it is, its interval, wave, base and source, and what a reader should know.

    Parameters
    ----------
    row : mapping
        A row of estimates with `indicator_label`, `people`, `wave_label`, `fieldwork` and `citation`.
    decimals : int, optional

    Returns
    -------
    str
        Sentences.
    """
    what = f"{row['indicator_label']}, {row['people']}: {value(row, decimals)}"
    parts = [what if row["is_suppressed"] else f"{what} ({interval(row, decimals)})"]
    parts += [f"{row['wave_label']}, fieldwork: {row['fieldwork']}", f"Base: {base(row)}"]
    return " ".join([*(stopped(p) for p in parts), source_note(row)])


def source_note(row: Row) -> str:
    """Say where an estimate comes from and what a reader should know of it, beside its row in a table.

    The row gives wave, interval and base; rows with the same source share the footnote.
    """
    parts = [f"Source: {row['citation']}"]
    if row["is_synthetic"]:
        parts.insert(0, f"{phrase.SYNTHETIC}: rests on invented respondents, never quote it")
    if row["is_suppressed"]:
        parts.insert(0, SUPPRESSED_WHY)
    if row["ci_lower"] is not None:
        parts += [BASES[row["variance_basis"]]]
    if row["evidence"] not in (None, "confirmed"):
        parts += [f"Evidence of the figure: {row['evidence'].replace('_', ' ')}"]
    if row["quality"] == "caution":
        parts += [f"To be used with caution{' [u]' if row['symbol'] == '[u]' else ''}"]
    if row["note"]:
        parts += [row["note"]]
    return " ".join(stopped(p) for p in parts)


def verdict(row: Row) -> str:
    """Say the verdict on a comparison, or why there is none."""
    if row["is_suppressed"]:
        return SUPPRESSED
    return row["verdict"] or "cannot be said, because no standard error is known"


def difference(row: Row, unit: str, decimals: int = 1) -> str:
    """Say a difference in the words its verdict allows: a number and a direction only where there is one.

    Parameters
    ----------
    row : mapping
        A row of comparisons.
    unit : str
        Of both sides.
    decimals : int, default 1

    Returns
    -------
    str
        Without a full stop; ends of the interval are signed by the direction.
    """
    if row["verdict"] not in ("higher", "lower"):
        return verdict(row)
    sign, scale = (1, 1.0) if row["verdict"] == "higher" else (-1, 1.0)
    words = ""
    if unit == "proportion":
        scale, words = 100.0, " percentage points"
    ends = sorted(sign * scale * row[end] for end in ("ci_lower", "ci_upper"))
    shown = [phrase.rounded(v, decimals) for v in (sign * scale * row["difference"], *ends)]
    return f"{shown[0]}{words} {row['verdict']} (95% interval {shown[1]} to {shown[2]})"


def verdict_note(row: Row, *, caveats_listed: bool) -> str:
    """Say how a verdict was reached, and the caveats of the comparison."""
    parts = []
    if row["p_adjusted"] is not None and row["family_size"] > 1:
        parts += [f"Judged among the {row['family_size']} comparisons of its family"]
    if row["caveats"]:
        parts += ["Its caveats are listed in this document" if caveats_listed else f"Caveats: {row['caveats']}"]
    return " ".join(stopped(p) for p in parts)


def comparison_note(row: Row, sides: tuple[str, str], unit: str, *, caveats_listed: bool) -> str:
    """Say of a comparison its verdict, what is behind either side, and its caveats.

    Parameters
    ----------
    row : mapping
        A row of comparisons with `about`, what is compared in words.
    sides : tuple of str
        The note of either side.
    unit : str
    caveats_listed : bool
        The document lists caveats elsewhere.

    Returns
    -------
    str
    """
    parts = [row["about"], f"Verdict: {difference(row, unit)}", f"(1) {sides[0]}", f"(2) {sides[1]}"]
    return " ".join([*(stopped(p) for p in parts), verdict_note(row, caveats_listed=caveats_listed)]).strip()
