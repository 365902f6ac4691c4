"""Write the table of a document's claims with their answers, from the catalogue's published figures alone.

Belongs here: a release's claims made from published figures, and their page in Markdown.
Not here: the answers (claim), the claims themselves (catalogue).

`python -m engagement_stats.claims_page` prints it; `make claims-page` writes docs/seed_claims.md.
"""

import sys

import pandas as pd

from engagement_stats import catalogue, claim, compare, disclose, league, phrase, tabulate
from engagement_stats.claim import ANSWERS

HEADER = """# The numbers of the seed briefing, checked

Every number that the briefing on "left behind" neighbourhoods states, with four separate answers. Made from the
published figures of the catalogue by `make claims-page`; a test fails when it is out of date. Do not edit it by hand.
How the answers come about: [methods](methods.md#claims). With files of respondents landed, `engagement-stats claims`
may know more.

- **Arithmetic**: do the words follow from the document's own numbers?
- **Evidence**: does the evidence support the words, by its interval? Words that draw a limit ("over", "less than")
  need all of the interval on their side, words that come close ("about", "just over half") the estimate itself.
- **Like for like**: are the two sides measured alike?
- **Now**: does it hold with the newest wave of the same series?

Administrative figures are no survey evidence: their arithmetic and wording are checked, and a documented number where
one is at hand.

| claim | words | kind of evidence | arithmetic | evidence | like for like | now |
|---|---|---|---|---|---|---|
"""
TITLES = {
    "arithmetic": "Arithmetic", "verdict": "Evidence", "like_for_like": "Like for like", "holds_now": "Now",
}  # fmt: skip


def of_published(c: catalogue.Catalogue) -> pd.DataFrame:
    """Check the catalogue's claims against its published figures.

    Parameters
    ----------
    c : Catalogue

    Returns
    -------
    DataFrame, shape (n claims, columns of claims but release_id)
    """
    waves = [disclose.suppress(tabulate.published(w, c), c.rules.disclosure) for w in c.tables_waves]
    filled = [w.dropna(axis="columns", how="all") for w in waves if len(w)]
    estimates = pd.concat(filled, ignore_index=True).reindex(columns=waves[0].columns).assign(is_synthetic=False)
    covariances = pd.DataFrame()
    compared = phrase.with_sentences(compare.comparisons(estimates, covariances, c), estimates, c)
    return claim.check(c, estimates, compared, league.tables(estimates, c), covariances)


def markdown(c: catalogue.Catalogue | None = None) -> str:
    """Write the page: a table of all claims, then each with its reasons and the sentence that may be used.

    Parameters
    ----------
    c : Catalogue, optional
        The package's own when not given.

    Returns
    -------
    str
    """
    c = catalogue.load() if c is None else c
    checked = {r["claim"]: r for r in of_published(c).to_dict("records")}
    parts = [HEADER]
    rows = [(name, c.claims[name], checked[name]) for name in c.claims]
    for name, entry, row in rows:
        held = f" ({row['support']})" if isinstance(row["support"], str) else ""
        cells = [f"[{name}](#{name})", f'"{entry.stated.words}"', row["evidence_kind"], row["arithmetic"],
                 row["verdict"] + held, row["like_for_like"], row["holds_now"]]  # fmt: skip
        parts.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n")
    for document in dict.fromkeys(entry.document for _, entry, _ in rows):
        parts.append(f"\n**{document}**\n")
        parts += [_section(name, row) for name, entry, row in rows if entry.document == document]
    return "".join(parts)


def _section(name: str, row: dict[str, object]) -> str:
    reasons = str(row["explanation"]).splitlines()
    answers = [
        f"- {TITLES[answer]}: **{row[answer]}**. {reason}\n" for answer, reason in zip(ANSWERS, reasons, strict=True)
    ]
    caveats = f"- Caveats: {row['caveats']}\n" if row["caveats"] else ""
    return (
        f"\n## {name}\n\n> {row['quotation']}\n\n- Stated: {row['stated']}\n{''.join(answers)}{caveats}"
        f"- May be written instead: {row['sentence']}\n"
    )


if __name__ == "__main__":
    sys.stdout.write(markdown())
