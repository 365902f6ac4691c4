"""The same estimates by the Python package svy; run by `bench.peers` in whatever interpreter has it."""

import json
import sys
import time

import polars as pl
import svy

file, families, indicators = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
data = pl.read_parquet(file)
start = time.process_time()
design = svy.Design(stratum="stratum", psu="household", wgt="weight", singleton="skip")
sample = svy.Sample(data, design)
rows = []
for name in indicators:
    for family in [None, *families]:
        found = sample.estimation.mean(name, by=family, deff="wr", drop_nulls=True)
        for cell in found.estimates:
            level = "all" if family is None else str(cell.by_level[0])
            rows.append([name, family or "all", level, cell.est, cell.se])
print(json.dumps({"cpu_seconds": time.process_time() - start, "rows": rows}))
