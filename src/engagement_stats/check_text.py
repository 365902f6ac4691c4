"""Check a text against a release: its statements and its sums, in the order of the text.

Belongs here: putting the parts together, from a document to the answers.
Not here: the parts (documents, statements, verify, consistency), and showing the answers (show).
Methods: docs/checking_a_text.md
"""

from collections.abc import Sequence

import pandas as pd

from engagement_stats import checked, consistency, statements, verify
from engagement_stats.catalogue import CROSS, Catalogue
from engagement_stats.documents import Passage
from engagement_stats.errors import CatalogueError, listed
from engagement_stats.sentences import alike, sentences


def _known(estimates: pd.DataFrame, catalogue: Catalogue) -> None:
    """Refuse a release that speaks of what the catalogue has no words for."""
    domains = {part for d in estimates["domain"].unique() for part in d.split(CROSS)} - {"all"}
    strange = [
        *sorted(set(estimates["wave"]) - set(catalogue.waves)),
        *sorted(set(estimates["indicator"]) - set(catalogue.indicators)),
        *sorted(domains - set(catalogue.domains)),
    ]
    if strange:
        raise CatalogueError(
            f"release: it was made with another catalogue. Got {listed(strange)}, which {catalogue.folder} does not "
            "have; expected the one of the release. Name it with --catalogue, or run again with this one."
        )


def check(
    passages: Sequence[Passage], catalogue: Catalogue, estimates: pd.DataFrame, comparisons: pd.DataFrame
) -> pd.DataFrame:
    """Find what a text states in numbers, and say of each statement whether the release supports it.

    Parameters
    ----------
    passages : sequence of Passage
    catalogue : Catalogue
    estimates, comparisons : DataFrame
        As released.

    Returns
    -------
    DataFrame, shape (n statements, columns of checked.Checked)
        A row for each share stated, for each two sides set against each other, and for each sum of counts, in the
        order of the text. Shares 0 to 1.

    Raises
    ------
    CatalogueError
        The release was made with another catalogue: it has waves, indicators or domains that this one does not.
    """
    _known(estimates, catalogue)
    levels = estimates[["domain", "level"]].drop_duplicates().itertuples(index=False, name=None)
    found = statements.read(passages, catalogue, levels)
    sums = list(consistency.check(passages, catalogue))
    summed = {(r.where, r.text, r.stated) for r in sums}
    rows = [
        r for r in verify.Verifier(catalogue, estimates, comparisons).verify(found)
        # Words about two counts have no indicator; their sum has been made.
        if r.match != "none" or r.kind == "level" or (r.where, r.text, r.stated) not in summed
    ]  # fmt: skip
    entries = catalogue.reading.sentences
    order: dict[tuple[str, str], int] = {}
    for passage in passages:
        for start, text in sentences(alike(passage.text), entries):
            order.setdefault((passage.where(start), text), len(order))
    return checked.frame(sorted([*rows, *sums], key=lambda r: order[r.where, r.text]))
