"""Say an estimate or a comparison in a sentence, in the style of official statistics.

Belongs here: the sentences that others ask for, their caveats beside them, Markdown, the mark on synthetic numbers.
Not here: how a sentence is put together (wording), rounding (rounding), verdicts and caveats (compare), claims
(claim), and the words themselves (catalogue: data/style.yaml, data/indicators, data/domains).
"""

import re
from typing import Any, Literal

import pandas as pd

from engagement_stats.catalogue import THRESHOLD, Catalogue
from engagement_stats.people import group as group
from engagement_stats.rounding import percentage as percentage
from engagement_stats.rounding import rounded as rounded
from engagement_stats.wording import Figure, Quantity, Voice, capital, known

SYNTHETIC = "SYNTHETIC"
Form = Literal["text", "markdown"]


def estimate(catalogue: Catalogue, row: Any, decimals: int | None = None) -> str:
    """Say one estimate, with its interval, its time and where it comes from, without a full stop.

    Parameters
    ----------
    catalogue : Catalogue
    row : named tuple
        A row of estimates.
    decimals : int, optional
        As few as needed when not given, and never more than were published.

    Returns
    -------
    str
        "In 2019-20, 41 per cent (95% interval 40 to 42) of adults in England had ... (source)"; that too few
        answered when it is suppressed.
    """
    voice = Voice(catalogue)
    if row.is_suppressed or not known(row.estimate):
        said = voice.words.suppressed.format(people=voice.people(row))
        return capital(voice.placed(said, row.wave, voice.wave(row.wave)))
    figure = Figure.of(row)
    shown = voice.decimals(figure) if decimals is None else min(decimals, figure.most)
    return capital(voice.figure(figure, shown, voice.wave(row.wave)))


def comparison(
    catalogue: Catalogue, row: Any, left: Any, right: Any | None, *, quantity: Quantity = "difference"
) -> str:
    """Say a comparison in words its verdict allows.

    Parameters
    ----------
    catalogue : Catalogue
    row : named tuple
        A row of comparisons.
    left, right : named tuple
        Its two sides, rows of estimates; `right` is None for a threshold.
    quantity : {"difference", "ratio"}, default "difference"
        What is spoken of; a ratio that cannot be given is said as a difference.

    Returns
    -------
    str
        One sentence with a full stop (two when the sides are not comparable); marked SYNTHETIC when a side is.
    """
    return _sentence(Voice(catalogue), row, left, right, quantity)


def _sentence(voice: Voice, row: Any, left: Any, right: Any | None, quantity: Quantity = "difference") -> str:
    mark = f"{SYNTHETIC}: " if row.is_synthetic else ""
    return f"{mark}{capital(voice.comparison(row, left, right, quantity))}."


def with_caveats(sentence: str, caveats: str, form: Form = "text", note: str = "1") -> str:
    """Say a sentence with what must be read beside it.

    Parameters
    ----------
    sentence, caveats : str
        As in the release; `caveats` may be empty.
    form : {"text", "markdown"}, default "text"
        Plain text has the caveats after the sentence, Markdown in a footnote.
    note : str, default "1"
        Name of the footnote.

    Returns
    -------
    str

    Examples
    --------
    >>> with_caveats("In 2019, 14 per cent of adults had joined.", "The base is small.")
    'In 2019, 14 per cent of adults had joined. The base is small.'
    >>> print(with_caveats("SYNTHETIC: In 2019, 14 per cent had joined.", "The base is small.", "markdown", "joined"))
    **SYNTHETIC**: In 2019, 14 per cent had joined.[^joined]
    <BLANKLINE>
    [^joined]: The base is small.
    """
    if form == "text":
        return f"{sentence} {caveats}".strip()
    said = markdown(sentence)
    return f"{said}[^{note}]\n\n[^{note}]: {markdown(caveats)}" if caveats else said


def markdown(text: str) -> str:
    r"""Write plain text as Markdown: characters with a meaning there are escaped, the mark on synthetic numbers bold.

    Examples
    --------
    >>> markdown("SYNTHETIC: a * b [c] | d")
    '**SYNTHETIC**: a \\* b \\[c\\] \\| d'
    """
    escaped = re.sub(r"([\\`*_\[\]<>|~#])", r"\\\1", text)
    return re.sub(rf"^{SYNTHETIC}\b", f"**{SYNTHETIC}**", escaped)


def with_sentences(comparisons: pd.DataFrame, estimates: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Add to each comparison the sentence a writer may use.

    Parameters
    ----------
    comparisons : DataFrame, shape (n comparisons, columns of comparisons)
    estimates : DataFrame, shape (n estimates, columns of estimates)
        Holds both sides of each comparison, but thresholds.
    catalogue : Catalogue

    Returns
    -------
    DataFrame, shape (n comparisons, one column more)
        With `sentence`.
    """
    sides = {(r.wave, r.indicator, r.domain, r.level): r for r in estimates.itertuples(index=False)}
    voice = Voice(catalogue)
    sentences = [
        _sentence(
            voice,
            row,
            sides[row.left_wave, row.left_indicator, row.left_domain, row.left_level],
            None
            if row.right_domain == THRESHOLD
            else sides[row.right_wave, row.right_indicator, row.right_domain, row.right_level],
        )
        for row in comparisons.itertuples(index=False)
    ]
    return comparisons.assign(sentence=pd.Series(sentences, index=comparisons.index, dtype="object"))
