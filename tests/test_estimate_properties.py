"""What must hold for every sample: order, labels and scale change nothing, and yes mirrors no."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement_stats import SampleDesign, estimate

SETTINGS = settings(derandomize=True, deadline=None, max_examples=40)
NUMBERS = [
    "estimate",
    "standard_error",
    "ci_lower",
    "ci_upper",
    "degrees_of_freedom",
    "design_effect",
    "effective_base",
]
DESIGN = SampleDesign(weight="w", stratum="h", psu="c")


@st.composite
def samples(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    strata, psus = draw(st.integers(1, 5)), draw(st.integers(2, 6))
    n = draw(st.integers(strata * psus * 2, 150))
    frame = pd.DataFrame(
        {
            "h": np.arange(n) % strata,
            "c": np.arange(n) // strata % psus,
            "w": random.lognormal(0, 1, n) * (random.random(n) > 0.1),
            "g": random.choice(["a", "b", "c"], n),
            "y": pd.array((random.random(n) < draw(st.sampled_from([0.02, 0.3, 0.97]))).astype(int), dtype="Int64"),
            "x": random.normal(50, 10, n),
        }
    )
    frame.loc[random.random(n) < 0.15, "y"] = pd.NA
    frame.loc[0, "w"] = 1.0
    return frame


def shares(frame, **options):
    return estimate.proportion(frame, "y", design=DESIGN, by=["g", "h"], **options)


@SETTINGS
@given(frame=samples(), seed=st.integers(0, 2**32))
def test_row_order_changes_nothing(frame, seed):
    shuffled = frame.sample(frac=1, random_state=seed % 2**32)
    np.testing.assert_allclose(shares(shuffled)[NUMBERS], shares(frame)[NUMBERS], rtol=1e-9, atol=1e-12)


@SETTINGS
@given(frame=samples())
def test_psu_labels_change_nothing(frame):
    renamed = frame.assign(c="psu " + (97 * frame["c"] % 13).astype(str) + frame["c"].astype(str))
    reused_or_not = frame.assign(c=frame["c"] + 100 * frame["h"])
    for other in (renamed, reused_or_not):
        np.testing.assert_allclose(shares(other)[NUMBERS], shares(frame)[NUMBERS], rtol=1e-9, atol=1e-12)


@SETTINGS
@given(frame=samples(), scale=st.sampled_from([1e-5, 7.0, 1e5]))
def test_weight_scale_changes_nothing(frame, scale):
    scaled = shares(frame.assign(w=frame["w"] * scale))
    np.testing.assert_allclose(scaled[NUMBERS], shares(frame)[NUMBERS], rtol=1e-9, atol=1e-12)


@SETTINGS
@given(frame=samples(), method=st.sampled_from(["korn_graubard", "logit", "wilson", "wald"]))
def test_no_mirrors_yes(frame, method):
    yes, no = shares(frame, interval=method), shares(frame.assign(y=1 - frame["y"]), interval=method)
    np.testing.assert_allclose(no["estimate"], 1 - yes["estimate"], atol=1e-12)
    np.testing.assert_allclose(no["standard_error"], yes["standard_error"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(no["ci_lower"], 1 - yes["ci_upper"], atol=1e-7)


@SETTINGS
@given(frame=samples(), method=st.sampled_from(["korn_graubard", "logit", "wilson", "wald"]))
def test_intervals_hold_the_estimate_inside_the_unit_interval(frame, method):
    rows = shares(frame, interval=method).dropna(subset=["ci_lower"])
    assert (rows["ci_lower"] >= 0).all()
    assert (rows["ci_upper"] <= 1).all()
    assert (rows["ci_lower"] <= rows["estimate"]).all()
    assert (rows["estimate"] <= rows["ci_upper"]).all()


@SETTINGS
@given(frame=samples())
def test_linearisation_is_the_definition(frame):
    """The fast sums against influence values summed one PSU at a time."""
    rows = shares(frame)
    for row in rows.itertuples():
        here = np.ones(len(frame), bool) if row.domain == "all" else frame[row.domain].astype(str) == row.level
        base = here & frame["y"].notna() & (frame["w"] > 0)
        if not base.any():
            assert np.isnan(row.estimate)
            continue
        y, w = frame["y"].fillna(0).astype(float), frame["w"].where(base, 0.0)
        z = w * (y - row.estimate) / w.sum()
        variance = 0.0
        for _, stratum in z.groupby(frame["h"]):
            totals = stratum.groupby(frame["c"]).sum()
            variance += len(totals) / (len(totals) - 1) * ((totals - totals.mean()) ** 2).sum()
        assert row.standard_error == pytest.approx(np.sqrt(variance), rel=1e-9, abs=1e-12)


@SETTINGS
@given(frame=samples())
def test_covariances_agree_with_variances_and_with_each_other(frame):
    rows = shares(frame)
    matrix = estimate.covariance(rows)
    known = rows["standard_error"].notna().to_numpy()
    np.testing.assert_allclose(np.diag(matrix)[known], rows["standard_error"][known] ** 2, rtol=1e-8, atol=1e-15)
    for reference in np.flatnonzero(known)[:3]:
        np.testing.assert_allclose(
            estimate.covariance_with(rows, int(reference))[known], matrix[known, reference], rtol=1e-8, atol=1e-15
        )


@SETTINGS
@given(frame=samples())
def test_the_same_call_gives_the_same_bits(frame):
    first, second = shares(frame), shares(frame[list(frame.columns[::-1])])
    pd.testing.assert_frame_equal(first, second, check_exact=True)
