"""Weighting tasks by the Python packages svy, samplics and balance; run by `bench.weighting` in their interpreter.

Arguments: package, Parquet file, JSON of margins, task. Prints CPU seconds, and the largest misfit or standard errors.
"""

import json
import sys
import time
import warnings

warnings.simplefilter("ignore")
TEN = [f"i{k:02d}" for k in range(10)]
REPLICATES = 500


def seconds():
    """CPU seconds of all threads so far."""
    return time.process_time()


def misfit(frame, weights, margins):
    """Largest relative misfit of a margin."""
    import pandas as pd

    sums = [pd.Series(weights).groupby(frame[name].to_numpy()).sum() for name in margins]
    wanted = [pd.Series(levels) for levels in margins.values()]
    return max(float((s / w - 1).abs().max()) for s, w in zip(sums, wanted, strict=True))


def with_svy(file, margins, task):
    """Rake with svy, then estimate; or its own bootstrap."""
    import polars as pl
    import svy

    data = pl.read_parquet(file)
    design = svy.Design(stratum="stratum", psu="household", wgt="weight", singleton="skip")
    sample = svy.Sample(data, design)
    start = seconds()
    if task in ("bootstrap", "redone"):
        sample = sample.weighting.create_bs_wgts(REPLICATES, rstate=1)
    made = seconds() - start
    if task != "bootstrap":
        sample = sample.weighting.rake(controls=margins, wgt_name="raked", tol=1e-11, max_iter=1000)
    raked = seconds() - start - made
    if task == "rake":
        weights = sample.data["raked"].to_numpy()
        return {"cpu_seconds": raked, "misfit": misfit(data.to_pandas(), weights, margins)}
    rows, start = [], seconds()
    if task == "areas":
        found = sample.estimation.mean(TEN[5], by="area", drop_nulls=True)
        rows = [[str(cell.by_level[0]), cell.est, cell.se] for cell in found.estimates]
        return {"cpu_seconds": 10 * (seconds() - start), "rows": rows}
    for name in TEN:
        found = sample.estimation.mean(name, by="region", method="replication", drop_nulls=True)
        rows += [[name, str(cell.by_level[0]), cell.est, cell.se] for cell in found.estimates]
    return {"cpu_seconds": seconds() - start + made + (raked if task == "redone" else 0), "rows": rows}


def with_samplics(file, margins, task):
    """Rake with samplics."""
    import pandas as pd
    from samplics import SampleWeight

    data = pd.read_parquet(file)
    columns = {name: data[name].to_numpy() for name in margins}
    start = seconds()
    weights = SampleWeight().rake(
        data["weight"].to_numpy(), margins=columns, control=margins, tol=1e-11, ctrl_tol=1e-11, max_iter=100
    )
    spent = seconds() - start
    return {"cpu_seconds": spent, "misfit": misfit(data, weights, margins)}


def with_balance(file, margins, task):
    """Rake with balance, whose target is a made sample: margins are rounded to its rows."""
    import logging

    import pandas as pd

    logging.disable(logging.CRITICAL)
    from balance.weighting_methods.rake import rake

    data = pd.read_parquet(file)
    start = seconds()
    made = rake(
        data[list(margins)], data["weight"], None, None, transformations=None, target_margins=margins,
        target_margins_max_length=1_000_000,
        convergence_rate=1e-9, rate_tolerance=1e-12,
    )  # fmt: skip
    spent = seconds() - start
    weights = made["weight"].to_numpy()
    total = sum(next(iter(margins.values())).values())
    return {"cpu_seconds": spent, "misfit": misfit(data, weights * total / weights.sum(), margins)}


package, file_, known, task_ = sys.argv[1:5]
with open(known) as opened:  # noqa: PTH123
    targets = json.load(opened)
run = {"svy": with_svy, "samplics": with_samplics, "balance": with_balance}[package]
print(json.dumps(run(file_, targets, task_)))
