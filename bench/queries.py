"""Time the macros and views of a large generated release: `python -m bench queries`.

Belongs here: a release of areas by indicators by waves without any survey behind it, and the milliseconds of a query.
Not here: what the answers should be (tests/test_queries.py).
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from engagement_stats import catalogue, publish

AREAS, INDICATORS, WAVES = 309, 40, 6
REPEATS = 7
RELEASE = "rgenerated"
# Asked of the generated release, whose indicators, areas and waves are numbered.
QUERIES = {
    "rate": "FROM rate('indicator_00')",
    "rate, 309 areas": "FROM rate('indicator_00', by := 'local_authority')",
    "rate, 309 areas of one wave": "FROM rate('indicator_00', by := 'local_authority', wave := 'wave_0')",
    "trend_of": "FROM trend_of('indicator_00', NULL)",
    "trend_of, 309 areas": "FROM trend_of('indicator_00', 'series', by := 'local_authority')",
    "compare_waves": "FROM compare_waves('indicator_00', 'wave_5', 'wave_4')",
    "compare_waves, 309 areas": "FROM compare_waves('indicator_00', 'wave_5', 'wave_4', by := 'local_authority')",
    "profile, by code": "FROM profile('E06000001')",
    "profile, by name": "FROM profile('area 200')",
    "find": "FROM find('area 20')",
    "headline_table": "FROM headline_table",
    "wave_coverage": "FROM wave_coverage",
    "indicator_coverage": "FROM indicator_coverage WHERE indicator = 'indicator_00'",
    "disclosure_summary": "FROM disclosure_summary",
}


def release(path: Path, *, areas: int = AREAS, indicators: int = INDICATORS, waves: int = WAVES) -> None:
    """Build a release of every indicator for the whole and every area of every wave, with trends and comparisons.

    Each area is set against the whole, and each wave against the one before it. Every tenth area is suppressed.

    Parameters
    ----------
    path : Path
    areas, indicators, waves : int
    """
    names = [f"area {i:03d}" for i in range(areas)]
    ids = [f"indicator_{i:02d}" for i in range(indicators)]
    runs = [f"wave_{i}" for i in range(waves)]
    places = [("all", "all"), *(("local_authority", name) for name in names)]
    keys = pd.DataFrame(
        [(w, i, d, level) for w in runs for i in ids for d, level in places],
        columns=["wave", "indicator", "domain", "level"],
    )
    estimates = _estimates(keys)
    same = {"is_synthetic": False}
    about = {"label": "L.", "definition": "D."}
    survey = {
        "id": "survey", **about, "geography": "England", "frame": "F.", "sampling": "probability",
    }  # fmt: skip
    wave = {
        **about, **same, "survey": "survey", "series": "series", "series_label": "S.", "kind": "microdata",
        "mode": "web", "sampling": "probability", "source": "source", "is_released": True,
        "fieldwork_precision": "day",
    }  # fmt: skip
    indicator = {**about, "concept": "c", "recall": "12m", "statistic": "proportion", "phrase": "did"}
    headline = {**same, "label": "H.", "wave": runs[-1], "domain": "all", "level": "all"}
    described: Mapping[str, Sequence[Mapping[str, Any]]] = {
        "surveys": [survey],
        "sources": [{"id": "source", **about, "producer": "P.", "licence": "L."}],
        "waves": [{**wave, "id": w, "year": 2018 + k} for k, w in enumerate(runs)],
        "indicators": [{**indicator, "id": i} for i in ids],
        "domains": [
            {"id": "local_authority", **about, "level": name, "position": k + 1, "code": f"E{6_000_001 + k:08d}"}
            for k, name in enumerate(names)
        ],
        "headlines": [
            {**headline, "headline": i, "indicator": i, "position": k + 1} for k, i in enumerate(ids)
        ],
        "runs": [{
            **same, "built_at": pd.Timestamp(2020, 1, 1), "code_version": "0", "catalogue_digest": "0",
            "input_digests": "{}", "lookup_digests": "{}", "failed_waves": "{}",
        }],
    }  # fmt: skip
    made = publish.described(catalogue.load(), [], [])
    frames = {
        "estimates": estimates,
        "comparisons": _comparisons(estimates, runs),
        "trends": _trends(estimates, runs),
        "terms": made["terms"],
        "table_keys": made["table_keys"],
        **{table: pd.DataFrame(list(rows)) for table, rows in described.items()},
    }
    tables = publish.keys()
    publish.build({table: _complete(table, frames.get(table)) for table in tables}, RELEASE, path)


def _complete(table: str, frame: pd.DataFrame | None) -> pd.DataFrame:
    columns = [column for column in publish.columns(table) if column != "release_id"]
    return pd.DataFrame(columns=columns) if frame is None else frame.reindex(columns=columns)


def _estimates(keys: pd.DataFrame) -> pd.DataFrame:
    random = np.random.default_rng(20)
    size = len(keys)
    share, error = random.uniform(0.1, 0.6, size), random.uniform(0.005, 0.02, size)
    hidden = keys["level"].str.endswith("9").to_numpy()
    numbers = {
        "estimate": share, "standard_error": error, "ci_lower": share - 2 * error, "ci_upper": share + 2 * error,
        "base_unweighted": random.integers(100, 600, size), "base_weighted": random.uniform(100, 600, size),
        "effective_base": random.uniform(50, 300, size), "degrees_of_freedom": np.full(size, 200.0),
        "design_effect": random.uniform(1, 2, size), "base_missing": random.integers(10, 20, size),
    }  # fmt: skip
    return keys.assign(
        **{name: pd.Series(values, dtype="float64").mask(hidden) for name, values in numbers.items()},
        survey="survey", confidence=0.95, interval_method="korn_graubard", variance_basis="design", unit="proportion",
        quality=np.where(hidden, "suppressed", "ok"), symbol=np.where(hidden, "[c]", None), is_suppressed=hidden,
        weight="w", source="source", run_id="0", statistic="proportion", rounding=0.0, is_synthetic=False,
    )  # fmt: skip


def _comparisons(estimates: pd.DataFrame, waves: Sequence[str]) -> pd.DataFrame:
    side = ["survey", "wave", "indicator", "domain", "level", "estimate"]
    before = dict(zip(waves[1:], waves[:-1], strict=True))
    left = estimates[[*side, "is_suppressed"]]
    whole = left[left["domain"] == "all"].drop(columns=["domain", "level", "is_suppressed"])
    to_whole = left[left["domain"] != "all"].merge(whole, on=["survey", "wave", "indicator"], suffixes=("", "_right"))
    to_whole = to_whole.assign(kind="levels:total", wave_right=to_whole["wave"], domain_right="all", level_right="all")
    previous = left[left["wave"].isin(before)].assign(wave_right=lambda f: f["wave"].map(before))
    right = left.drop(columns=["survey", "is_suppressed"]).rename(columns={"wave": "wave_right"})
    in_series = previous.merge(right, on=["wave_right", "indicator", "domain", "level"], suffixes=("", "_right"))
    in_series = in_series.assign(
        kind="series:previous", domain_right=in_series["domain"], level_right=in_series["level"]
    )
    both = pd.concat([to_whole, in_series], ignore_index=True)
    names = both["indicator"] + "__" + both["wave"] + "_v_" + both["wave_right"]
    difference = both["estimate"] - both["estimate_right"]
    verdict = np.select([both["is_suppressed"], difference > 0], [None, "higher"], "lower")
    return pd.DataFrame(
        {
            "comparison": names.where(both["kind"] == "series:previous", names + "__" + both["domain"]),
            "level": both["level"], "kind": both["kind"], "label": "L.", "indicator": both["indicator"],
            **{f"left_{name}": both[name] for name in side},
            **{f"right_{name}": both.get(f"{name}_right", both[name]) for name in side},
            "right_estimate": both["estimate_right"].mask(both["is_suppressed"]),
            "difference": difference.mask(both["is_suppressed"]), "family": names, "family_size": 1,
            "grade": "comparable", "differs_on": "", "verdict": verdict, "caveats": "", "sentence": "S.",
            "is_suppressed": both["is_suppressed"], "is_synthetic": False,
        }
    )  # fmt: skip


def _trends(estimates: pd.DataFrame, waves: Sequence[str]) -> pd.DataFrame:
    once = estimates.loc[~estimates["is_suppressed"], ["indicator", "domain", "level"]].drop_duplicates()
    return once.assign(
        series="series", segment=1, first_wave=waves[0], last_wave=waves[-1], waves=len(waves), years=5.0, slope=0.01,
        direction="rising", is_synthetic=False,
    )  # fmt: skip


def milliseconds(path: Path, sql: str, repeats: int = REPEATS) -> tuple[float, float]:
    """Time a query of a released file, opening it included.

    Parameters
    ----------
    path : Path
    sql : str
    repeats : int
        The best of so many counts: the others say how busy the machine was.

    Returns
    -------
    tuple of float
        Wall time, and time of the processor, each in milliseconds.
    """
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as connection:
            connection.execute(sql).fetchall()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return 1000 * min(walls), 1000 * min(cpus)


def study() -> dict[str, Any]:
    """Build the release, time every query of `QUERIES`, and print a line each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "release.duckdb"
        before = time.perf_counter()
        release(path)
        took = time.perf_counter() - before
        size = path.stat().st_size / 1_048_576
        print(f"{AREAS} areas x {INDICATORS} indicators x {WAVES} waves: built in {took:.1f} s, {size:.0f} MB")
        figures: dict[str, Any] = {"build_seconds": took}
        for name, sql in {"opening alone": "SELECT 1", **QUERIES}.items():
            wall, cpu = milliseconds(path, sql)
            figures[name] = {"wall_ms": wall, "cpu_ms": cpu}
            print(f"  {name:<28}{wall:8.1f} ms   {cpu:6.1f} ms of the processor, opening included")
    return figures
