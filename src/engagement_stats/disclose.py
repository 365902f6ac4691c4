"""Suppress what may not leave, before anything is compared or published.

Belongs here: the rules by which an estimate must be withheld, the marks they leave, and the record of where they acted.
Not here: the thresholds and their sources (catalogue rules.yaml), what must be hidden beside it (secondary), whether it
is enough (attack), and estimation.
Methods: docs/disclosure.md
"""

from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd

from engagement_stats import attack, reliability, secondary
from engagement_stats.catalogue import KEY, Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.cells import laid_out, spread
from engagement_stats.errors import DisclosureError, listed
from engagement_stats.reliability import numbers

# Of single respondents; these never leave, suppressed or not.
PRIVATE = ("numerator_unweighted", "largest_weight_share", "two_largest_weight_share")
NUMBERS = (
    "estimate", "standard_error", "ci_lower", "ci_upper", "base_unweighted", "base_weighted", "effective_base",
    "degrees_of_freedom", "design_effect", "base_missing", "rounding", *PRIVATE,
)  # fmt: skip
CONFIDENTIAL = "[c]"
LOW_RELIABILITY = attack.FEW
# The rules, in the order in which they are named where several act on one estimate.
PRODUCER, MIN_BASE, DIFFERENCING, OVERLAP = "producer", "min_base", "differencing", "overlap"
SMALL_COUNT, CLASS = "small_count", "class"
DOMINANCE, UNRELIABLE, SHARED, BESIDE = "dominance", "unreliable", "shared_base", "additive"
RULES = (PRODUCER, MIN_BASE, DIFFERENCING, OVERLAP, SMALL_COUNT, CLASS, DOMINANCE, UNRELIABLE, SHARED, BESIDE)
# Those marked "[u]".
UNSURE = [MIN_BASE, UNRELIABLE, SHARED]
LOW = "low_reliability"
# What a release says of all rules that mark [c]: to tell them apart would place a count below ten.
UNTOLD = "confidential"
AUDIT = [*KEY, "rule", "kind"]
TOLD = [*AUDIT, "symbol", "is_synthetic"]


def primary(estimates: pd.DataFrame, rules: m.DisclosureRules, sensitive: Collection[str] = ()) -> pd.Series:
    """Name the rule by which each estimate must be withheld.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        `base_unweighted` and, where the columns are there, `numerator_unweighted`, the two shares of weight,
        `variance_basis`, and `withheld`, the symbol a producer published in place of a figure. Not modified.
    rules : DisclosureRules
    sensitive : collection of str
        Indicators of which 0 and 100 per cent are withheld too.

    Returns
    -------
    Series of str, shape (n estimates,)
        A rule of `RULES`, null where none acts. Counts are of respondents, never of weights. A figure its producer
        published is withheld only where the producer withheld it.
    """
    base = numbers(estimates, "base_unweighted")
    yes = numbers(estimates, "numerator_unweighted")
    theirs = _theirs(estimates)
    ours = ~_published(estimates)
    share = (estimates["unit"] == "proportion").to_numpy()
    low = np.fmin(yes, base - yes)
    with np.errstate(invalid="ignore"):
        acts = {
            PRODUCER: theirs.notna().to_numpy(),
            MIN_BASE: ours & (base < rules.min_base),
            SMALL_COUNT: ours & share & (low > 0) & (low < rules.min_count),
            CLASS: ours & share & (low == 0) & estimates["indicator"].isin(list(sensitive)).to_numpy(),
            DOMINANCE: ours
            & (
                (numbers(estimates, "largest_weight_share") > rules.largest_weight)
                | (numbers(estimates, "two_largest_weight_share") > rules.two_largest_weights)
            ),
            UNRELIABLE: ours & (reliability.unreliable(estimates, rules) & (rules.unreliable == "suppress")),
        }
    named = np.select(list(acts.values()), list(acts), "")
    return pd.Series(named, index=estimates.index, dtype="object").replace("", None)


def suppress(estimates: pd.DataFrame, rules: m.DisclosureRules, sensitive: Collection[str] = ()) -> pd.DataFrame:
    """Blank every number of an estimate that a rule withholds, each estimate on its own.

    Parameters
    ----------
    estimates, rules, sensitive
        As for `primary`.

    Returns
    -------
    DataFrame, shape (n estimates, same columns)
        `is_suppressed`, `quality` ("ok", "caution", "suppressed") and `symbol` ("[u]" below `min_base` respondents or
        where unreliable, otherwise "[c]", or the producer's) set; a suppressed row carries no number in any column but
        the confidence asked for. Enough for published figures; those from respondents go through `protect`.
    """
    why = primary(estimates, rules, sensitive)
    return _blanked(estimates, why, why.isin(UNSURE).to_numpy(), rules)


def protect(
    estimates: pd.DataFrame,
    catalogue: Catalogue,
    nested: pd.DataFrame | None = None,
    follows: pd.DataFrame | None = None,
    held: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Blank what must be withheld of a wave made from respondents, and what would give it away.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        Of one wave, with the private columns. Not modified.
    catalogue : Catalogue
    nested : DataFrame, optional
        As `additive.nesting` returns it.
    follows : DataFrame, optional
        As `implied.found` returns it.
    held : DataFrame, optional
        wave, indicator, domain and level of estimates to withhold because of others, and the rule: `OVERLAP` or
        `DIFFERENCING`, an earlier release.

    Returns
    -------
    tuple of DataFrame
        The estimates as `suppress` leaves them, and the private record: wave, indicator, domain, level, rule, kind
        ("primary" or "secondary"), a row for each suppressed estimate.

    Raises
    ------
    DisclosureError
        Nothing that could be hidden makes the suppressed estimates safe, or a count is not known.
    """
    rules = catalogue.rules.disclosure
    table = estimates.reset_index(drop=True)
    _check_counts(table)
    why = primary(table, rules, [k for k, v in catalogue.indicators.items() if v.sensitive])
    if held is not None and len(held):
        acts = held.drop_duplicates(KEY).set_index(KEY)["rule"]
        again = acts.reindex(pd.MultiIndex.from_frame(table[KEY])).to_numpy(dtype="object")
        why = why.where(why.notna(), pd.Series(again, index=why.index)).replace(np.nan, None)
    low = why.isin(UNSURE).to_numpy(copy=True)
    if len(table):
        layout = laid_out(table, nested, follows)
        yes = np.where(layout.is_row, numbers(table, "numerator_unweighted")[layout.row], 0.0)
        yes = np.where(layout.is_share[:, None], np.nan_to_num(yes), np.nan)
        must, few = spread(layout, why.notna()), spread(layout, why.isin(UNSURE))
        hidden, small = secondary.chosen(layout, yes, must, few, rules)
        for rule, cells in ((SHARED, small & ~must), (BESIDE, hidden & ~must & ~small)):
            why.iloc[layout.row[cells]] = rule
        low[layout.row[small]] = True
    acted = why.notna()
    kind = np.where(why[acted].isin([SHARED, BESIDE]), "secondary", "primary")
    audit = table.loc[acted, KEY].assign(rule=why[acted], kind=kind)
    return _blanked(table, why, low, rules), audit.reset_index(drop=True)[AUDIT]


def _check_counts(table: pd.DataFrame) -> None:
    """Refuse estimates of our own that lack a count the rules are about: no rule would act on them."""
    ours = ~_published(table)
    share = (table["unit"] == "proportion").to_numpy() & (numbers(table, "base_unweighted") > 0)
    for column, where in {"base_unweighted": ours, "base_missing": ours, "numerator_unweighted": ours & share}.items():
        if (np.isnan(numbers(table, column)) & where).any():
            raise DisclosureError(
                f"estimates: {column} is not known of every estimate. Got null; expected a count, without which nobody "
                "can say whether it may be shown. Please report it."
            )


def check(
    estimates: pd.DataFrame,
    rules: m.DisclosureRules,
    nested: pd.DataFrame | None = None,
    follows: pd.DataFrame | None = None,
) -> int:
    """Refuse estimates of which a suppressed count can be worked out.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        As they are to be released.
    rules : DisclosureRules
    nested : DataFrame, optional
        wave and the columns of `additive.nesting`.
    follows : DataFrame, optional
        wave and the columns of `implied.found`.

    Returns
    -------
    int
        How many suppressed estimates were attacked.

    Raises
    ------
    DisclosureError
        Something can be worked out, or a suppressed row carries a number; the message names no value.
    """
    hidden = estimates[estimates["is_suppressed"].astype(bool)]
    left = [c for c in _present(NUMBERS, hidden) if hidden[c].notna().any()]
    if left:
        raise DisclosureError(f"estimates: suppressed rows carry numbers. Got {listed(left)}; expected null.")
    found = attack.recoverable(estimates, rules, nested, follows)
    if len(found):
        names = [" ".join(k) for k in found[KEY].drop_duplicates().itertuples(index=False, name=None)]
        raise DisclosureError(
            f"estimates: {len(names)} suppressed estimate(s) can be worked out from what is shown: {listed(names)}. "
            "Build these waves again."
        )
    return int((~_published(hidden)).sum())


def told(estimates: pd.DataFrame) -> pd.DataFrame:
    """Say which rule acted where, as a release may.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        As released.

    Returns
    -------
    DataFrame, shape (n suppressed, 8)
        wave, indicator, domain, level, rule ("low_reliability", "confidential" or "producer"), kind ("primary", or
        "primary or secondary"), symbol, is_synthetic. Of our own it is not said more closely which rule acted, nor
        whether the cell itself was small: that would place its count below ten.
    """
    hidden = estimates[estimates["is_suppressed"].astype(bool)]
    published = _published(hidden)
    few = (hidden["symbol"] == LOW_RELIABILITY).to_numpy()
    return hidden.assign(
        rule=np.select([published, few], [PRODUCER, LOW], UNTOLD),
        kind=np.where(published, "primary", "primary or secondary"),
    )[TOLD].reset_index(drop=True)


def lost(estimates: pd.DataFrame, audit: pd.DataFrame) -> float:
    """Say what hiding cells beside others took from readers: their share of the estimates that would be shown.

    Parameters
    ----------
    estimates, audit : DataFrame
        As `protect` returns them.

    Returns
    -------
    float
        From 0 to 1.
    """
    beside = int((audit["kind"] == "secondary").sum())
    able = len(estimates) - len(audit) + beside
    return beside / able if able else 0.0


def margins(table: pd.DataFrame, estimates: pd.DataFrame) -> pd.DataFrame:
    """Withhold the sample's share in a category that no estimate shows: shares of a sample are its counts.

    Parameters
    ----------
    table : DataFrame, shape (n categories, columns of weighting_margins)
    estimates : DataFrame, shape (n estimates, columns of estimates)
        As released.

    Returns
    -------
    DataFrame, same shape
        A category is withheld where every estimate of the wave at that level is, beside those withheld already.
    """
    levels = estimates.groupby(["wave", "domain", "level"])["is_suppressed"].all()
    keys = pd.MultiIndex.from_frame(table[["wave", "variable", "category"]])
    hidden = levels.reindex(keys, fill_value=False).to_numpy(dtype=bool) | table["is_suppressed"].to_numpy(dtype=bool)
    out = table.assign(is_suppressed=hidden)
    for column in ("before_share", "after_share", "difference_before", "difference_after"):
        out[column] = out[column].astype("float64").mask(hidden)
    return out


def _blanked(estimates: pd.DataFrame, why: pd.Series, low: np.ndarray, rules: m.DisclosureRules) -> pd.DataFrame:
    """Withhold the estimates that have a reason, and mark all of them."""
    out = estimates.copy()
    hidden = why.notna().to_numpy()
    out["is_suppressed"] = hidden
    out["quality"] = np.select([hidden, reliability.doubtful(out, rules)], ["suppressed", "caution"], "ok")
    marks = [_theirs(out).to_numpy(dtype="object"), LOW_RELIABILITY, CONFIDENTIAL]
    reasons = [(why == PRODUCER).to_numpy(), low, hidden]
    out["symbol"] = pd.Series(np.select(reasons, marks, ""), index=out.index, dtype="object").replace("", None)
    for column in _present(NUMBERS, out):
        out[column] = out[column].astype("float64").mask(hidden)
    return out


def _theirs(estimates: pd.DataFrame) -> pd.Series:
    return estimates.get("withheld", pd.Series(None, index=estimates.index, dtype="object"))


def _published(estimates: pd.DataFrame) -> np.ndarray:
    """Say which figures their producer published, and answered for."""
    if "variance_basis" not in estimates:
        return np.zeros(len(estimates), bool)
    return estimates["variance_basis"].isin(attack.PUBLISHED).to_numpy()


def _present(names: Iterable[str], frame: pd.DataFrame) -> list[str]:
    return [n for n in names if n in frame]
