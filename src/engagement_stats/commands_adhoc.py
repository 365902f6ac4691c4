"""The commands that compute from one file: `estimate` and `weight`.

Belongs here: from options to a request, and what their user reads.
Not here: options and exit codes (options, cli), output formats (show), any number (adhoc, reweigh).
"""

import argparse
from collections.abc import Callable

from engagement_stats import options

ESTIMATE_HEADINGS = {
    "indicator": "variable", "domain": "by", "level": "level", "estimate": "estimate",
    "standard_error": "std. error", "ci_lower": "from", "ci_upper": "to", "base_unweighted": "base",
    "effective_base": "eff. base", "design_effect": "deff", "degrees_of_freedom": "df",
}  # fmt: skip
MARGIN_HEADINGS = {
    "variable": "variable", "category": "category", "asked": "asked", "before": "before", "achieved": "achieved",
}  # fmt: skip


def estimate(args: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Estimate from a file, by a design of its columns."""
    from engagement_stats import adhoc, show

    request = adhoc.Request(
        variables=args.variable, statistic=args.statistic, counts=args.counts, by=args.by, where=args.where,
        weight=args.weight, stratum=args.stratum, psu=args.psu, fpc=args.fpc, replicates=args.replicates,
        replicate_method=args.replicate_method, interval=args.interval, confidence=args.confidence,
        single_psu=args.single_psu, missing=args.missing, reading=options.reading(args),
    )  # fmt: skip
    table = adhoc.run(args.file, request, say=say)
    title = f"{args.statistic}, {args.confidence:.0%} interval, uncertainty: {table['variance_basis'].iloc[0]}"
    show.frame(table, args.format, title=title, headings=ESTIMATE_HEADINGS)
    return 0


def weight(args: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Weight a file to known margins."""
    from engagement_stats import reweigh, show

    request = reweigh.Request(
        margins=args.margins, out=args.out, method=args.method, base=args.base,
        bounds=tuple(args.bounds) if args.bounds else None, trim=args.trim, name=args.name, missing=args.missing,
        rescale=args.rescale, reading=options.reading(args),
    )  # fmt: skip
    outcome = reweigh.run(args.file, request)
    for sentence in outcome.sentences:
        say(sentence)
    table = outcome.margins.assign(is_synthetic=outcome.synthetic)
    show.frame(table, args.format, title="Margins: asked, before and achieved", headings=MARGIN_HEADINGS)
    say(reweigh.said(outcome, request))
    return 0
