"""The same estimates by the Python package samplics; run by `bench.peers` in whatever interpreter has it."""

import json
import sys
import time

import pandas as pd
from samplics import PopParam, SinglePSUEst, TaylorEstimator

file, families, indicators = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
data = pd.read_parquet(file)
start = time.process_time()
rows = []
for name in indicators:
    answers = data[name].astype(float).to_numpy()
    for family in [None, *families]:
        estimator = TaylorEstimator(PopParam.mean)
        estimator.estimate(
            y=answers,
            samp_weight=data["weight"].to_numpy(),
            stratum=data["stratum"].to_numpy(),
            psu=data["household"].to_numpy(),
            domain=None if family is None else data[family].astype(str).to_numpy(),
            single_psu=SinglePSUEst.certainty,
            remove_nan=True,
        )
        found = estimator.to_dataframe()
        for cell in found.itertuples():
            rows.append([name, family or "all", str(getattr(cell, "_domain", "all")), cell._estimate, cell._stderror])
print(json.dumps({"cpu_seconds": time.process_time() - start, "rows": rows}))
