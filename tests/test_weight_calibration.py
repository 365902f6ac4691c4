"""Calibration meets its margins or says why not; checked against optimisers, by properties, and one error at a time."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from engagement_stats import weight
from engagement_stats.calibration import curve
from engagement_stats.errors import WeightingError
from engagement_stats.margins import Margins, lay_out
from engagement_stats.steps import Weights

SEX = {"Female": 520, "Male": 480}
AGE = {"18-34": 290, "35-54": 330, "55+": 380}
MARGINS = {"sex": SEX, "age": AGE}


def people(n: int = 60, seed: int = 1) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": r.choice(list(SEX), n, p=[0.6, 0.4]),
            "age": r.choice(list(AGE), n, p=[0.2, 0.3, 0.5]),
            "d": np.exp(r.normal(0, 0.4, n)),
        }
    )
    frame.loc[:5, "sex"] = ["Female", "Male"] * 3
    frame.loc[:5, "age"] = ["18-34", "18-34", "35-54", "35-54", "55+", "55+"]
    return frame


def misfit(frame: pd.DataFrame, values: np.ndarray, margins: dict[str, dict[str, float]]) -> float:
    """Measure on the rows, as a stranger would."""
    worst = 0.0
    for variable, levels in margins.items():
        for level, population in levels.items():
            worst = max(worst, abs(values[(frame[variable] == level).to_numpy()].sum() / population - 1))
    return worst


METHODS = [("linear", None), ("raking", None), ("logit", (0.3, 3.0)), ("truncated_linear", (0.3, 3.0))]


@pytest.mark.parametrize(("method", "bounds"), METHODS)
def test_margins_are_met_by_weights_that_are_not_the_base(method: str, bounds: tuple[float, float] | None) -> None:
    frame = people()
    made = weight.calibrate(frame, MARGINS, base="d", method=method, bounds=bounds)
    assert misfit(frame, made.values, MARGINS) < 1e-12
    # A package once returned weights of 1 for everybody, and said nothing.
    assert np.ptp(made.values / frame["d"]) > 0.1
    assert made.steps[-1].max_misfit < 1e-12
    assert made.steps[-1].g_range[0] > 0


def test_rake_is_calibrate_with_raking() -> None:
    frame = people()
    np.testing.assert_allclose(
        weight.rake(frame, MARGINS, base="d").values,
        weight.calibrate(frame, MARGINS, base="d", method="raking").values,
        rtol=1e-10,
    )


def test_rake_is_plain_iterative_proportional_fitting() -> None:
    frame = people()
    w = frame["d"].to_numpy().copy()
    for _ in range(500):
        for variable, levels in MARGINS.items():
            for level, population in levels.items():
                at = (frame[variable] == level).to_numpy()
                w[at] *= population / w[at].sum()
    np.testing.assert_allclose(weight.rake(frame, MARGINS, base="d").values, w, rtol=1e-10)


def test_poststratify_is_rake_with_one_crossed_margin() -> None:
    frame = people()
    crossed = {"sex*age": {"Female | 18-34": 150, "Female | 35-54": 170, "Female | 55+": 200, "Male | 18-34": 140,
                           "Male | 35-54": 160, "Male | 55+": 180}}  # fmt: skip
    np.testing.assert_allclose(
        weight.poststratify(frame, crossed, base="d").values, weight.rake(frame, crossed, base="d").values, rtol=1e-12
    )


DISTANCE = {
    # Deville and Sarndal's distances between w and d: what each method makes small.
    "linear": lambda w, d: ((w - d) ** 2 / d).sum() / 2,
    "raking": lambda w, d: (w * np.log(w / d) - w + d).sum(),
    "truncated_linear": lambda w, d: ((w - d) ** 2 / d).sum() / 2,
    "logit": lambda w, d: (d * _logit_distance(w / d, 0.5, 2.3)).sum(),
}


def _logit_distance(g: np.ndarray, low: float, high: float) -> np.ndarray:
    a = (high - low) / ((1 - low) * (high - 1))
    return ((g - low) * np.log((g - low) / (1 - low)) + (high - g) * np.log((high - g) / (high - 1))) / a


@pytest.mark.parametrize("method", DISTANCE)
def test_no_other_weights_within_the_margins_are_nearer(method: str) -> None:
    frame = people(14, seed=8)
    bounds = (0.5, 2.3) if method in ("logit", "truncated_linear") else None
    made = weight.calibrate(frame, MARGINS, base="d", method=method, bounds=bounds)
    d = frame["d"].to_numpy() * 1000 / frame["d"].sum()
    known = Margins.of(MARGINS)
    cells, population = lay_out(frame, known, d)
    x = cells.matrix.toarray()[cells.cell]
    low, high = bounds or (1e-6, 20.0)
    inner = 1e-9 if method == "logit" else 0.0
    found = optimize.minimize(
        lambda g: DISTANCE[method](g * d, d) / 1000,
        np.clip(made.steps[-1].g * 0 + 1.0, low, high),
        method="SLSQP",
        bounds=[(low + inner, high - inner)] * len(d),
        constraints={"type": "eq", "fun": lambda g: (x[:, 1:].T @ (g * d) - population[1:]) / 1000},
        options={"ftol": 1e-15, "maxiter": 2000},
    )
    # SLSQP takes numerical derivatives, so it finds the weights to about 1e-5.
    np.testing.assert_allclose(made.steps[-1].g, found.x, rtol=2e-4)
    assert DISTANCE[method](made.values, d) / 1000 <= found.fun + 1e-9


def test_raking_solves_the_dual_that_scipy_minimises() -> None:
    frame = people(200)
    d = frame["d"].to_numpy() * 1000 / frame["d"].sum()
    cells, population = lay_out(frame, Margins.of(MARGINS), d)
    x = cells.matrix.toarray()[cells.cell][:, [0, 1, 3, 4]]
    t = population[[0, 1, 3, 4]]
    found = optimize.minimize(
        lambda b: ((d * np.exp(x @ b)).sum() - t @ b) / 1000,
        np.zeros(4),
        jac=lambda b: (x.T @ (d * np.exp(x @ b)) - t) / 1000,
        method="BFGS",
        options={"gtol": 1e-11},
    )
    np.testing.assert_allclose(weight.rake(frame, MARGINS, base="d").values, d * np.exp(x @ found.x), rtol=1e-6)


@pytest.mark.parametrize(("method", "bounds"), METHODS)
def test_slopes_are_derivatives_and_one_at_the_base(method: str, bounds: tuple[float, float] | None) -> None:
    shape = curve(method, bounds)
    u = np.array([-0.5, -0.1, 0.0, 0.2, 0.9])
    numeric = (shape(u + 1e-6)[0] - shape(u - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(shape(u)[1], numeric, rtol=1e-6)
    assert shape(np.array([0.0]))[0][0] == pytest.approx(1.0, rel=1e-15)
    assert shape(np.array([0.0]))[1][0] == pytest.approx(1.0, rel=1e-14)


def test_bounds_on_g_are_kept() -> None:
    frame = people(400)
    free = weight.rake(frame, MARGINS, base="d").steps[-1].g_range
    low, high = free[0] * 1.05, free[1] * 0.93
    for method in ("logit", "truncated_linear"):
        made = weight.calibrate(frame, MARGINS, base="d", method=method, bounds=(low, high))
        assert low * (1 - 1e-12) <= made.steps[-1].g_range[0]
        assert made.steps[-1].g_range[1] <= high * (1 + 1e-12)
        assert misfit(frame, made.values, MARGINS) < 1e-10


def test_bounds_on_weights_are_kept_exactly() -> None:
    frame = people(400)
    free = weight.rake(frame, MARGINS, base="d").values
    low, high = np.quantile(free, [0.05, 0.95])
    for method in ("raking", "linear"):
        made = weight.calibrate(frame, MARGINS, base="d", method=method, weight_bounds=(low, high))
        assert made.values.min() == low
        assert made.values.max() == high
        assert 0.05 < made.steps[-1].trimmed_share < 0.2
        assert misfit(frame, made.values, MARGINS) < 1e-10


def test_totals_of_numbers() -> None:
    frame = people(80).assign(hours=np.arange(80.0))
    margins = pd.DataFrame(
        [("sex", "Female", 520), ("sex", "Male", 480), ("hours", "", 41_000)],
        columns=["variable", "category", "population"],
    )
    for method, bounds in METHODS:
        made = weight.calibrate(frame, margins, base="d", method=method, bounds=bounds)
        assert made.values @ frame["hours"] == pytest.approx(41_000, rel=1e-10)
        assert misfit(frame, made.values, {"sex": SEX}) < 1e-10


# Properties.


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-6, 1e6), st.sampled_from(METHODS[1:]))
def test_order_scale_and_names_do_not_matter(seed: int, scale: float, how: tuple[str, tuple[float, float]]) -> None:
    frame = people(120, seed=seed)
    method, bounds = how[0], (0.05, 20.0) if how[1] else None

    def made(f: pd.DataFrame, m: dict[str, dict[str, float]], b: np.ndarray) -> np.ndarray:
        return weight.calibrate(f, m, base=b, method=method, bounds=bounds).values

    base = frame["d"].to_numpy()
    usual = made(frame, MARGINS, base)
    assert misfit(frame, usual, MARGINS) < 1e-9
    assert (usual > 0).all()
    order = np.random.default_rng(seed).permutation(len(frame))
    np.testing.assert_allclose(made(frame.iloc[order], MARGINS, base[order]), usual[order], rtol=1e-9)
    np.testing.assert_allclose(made(frame, MARGINS, base * scale), usual, rtol=1e-9)
    renamed = {"sex": {"x": 520, "a": 480}, "age": {"3": 290, "2": 330, "1": 380}}
    other = frame.assign(
        sex=frame["sex"].map({"Female": "x", "Male": "a"}), age=frame["age"].map({"18-34": 3, "35-54": 2, "55+": 1.0})
    )
    np.testing.assert_allclose(made(other, renamed, base), usual, rtol=1e-9)
    swapped = {"age": dict(reversed(AGE.items())), "sex": SEX}
    np.testing.assert_allclose(made(frame, swapped, base), usual, rtol=1e-9)
    dear = made(frame, {v: {c: p * 7.5 for c, p in x.items()} for v, x in MARGINS.items()}, base)
    np.testing.assert_allclose(dear, usual * 7.5, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_margins_already_met_leave_the_weights_alone(seed: int) -> None:
    frame = people(50, seed=seed)
    met = {v: frame.groupby(v)["d"].sum().to_dict() for v in MARGINS}
    np.testing.assert_allclose(weight.rake(frame, met, base="d").values, frame["d"], rtol=1e-10)


# What the weights remember.


def test_steps_say_how_the_weights_were_made() -> None:
    frame = people().set_axis(range(100, 160))
    made = weight.rake(frame, MARGINS, base="d")
    assert [s.kind for s in made.steps] == ["base", "scaled", "calibrated"]
    step = made.steps[-1]
    np.testing.assert_allclose(step.base * step.g, made.values, rtol=1e-15)
    x = step.matrix.toarray()[step.cells.cell]  # type: ignore[union-attr]
    expected = np.column_stack([frame["sex"] == "Female", frame["sex"] == "Male", *[frame["age"] == a for a in AGE]])
    assert (x == expected).all()
    np.testing.assert_allclose(x.T @ step.base, step.before, rtol=1e-12)
    np.testing.assert_allclose(np.exp(x @ step.coefficients), step.g, rtol=1e-12)
    table = made.margins()
    assert table["asked"].tolist() == [520, 480, 290, 330, 380]
    np.testing.assert_allclose(table["achieved"], table["asked"], rtol=1e-12)
    summary = made.summary()
    assert summary["kind"].tolist() == ["base", "scaled", "calibrated"]
    assert summary["total"].iloc[-1] == pytest.approx(1000)
    assert made.effective_n == pytest.approx(made.values.sum() ** 2 / (made.values**2).sum())
    assert made.series().index.tolist() == list(range(100, 160))
    assert np.asarray(made) is made.values
    assert "calibrated (raking)" in repr(made)


def test_weights_cannot_be_written_to_and_the_base_given_can() -> None:
    frame = people()
    base = frame["d"].to_numpy().copy()
    made = weight.rake(frame, MARGINS, base=base)
    base[0] = 9.0
    assert made.base[0] != 9.0
    with pytest.raises(ValueError, match="read-only"):
        made.values[0] = 1.0


def chain(frame: pd.DataFrame) -> Weights:
    answered = weight.adjust_cells(frame, ["sex"], "answered", base="d")
    raked = weight.rake(frame, MARGINS, base=answered)
    return weight.trim(raked, rule=("median", 2.5))


def test_redo_with_the_same_base_gives_the_same_bits() -> None:
    frame = people(300).assign(answered=lambda f: (np.arange(len(f)) % 4 > 0).astype(int))
    made = chain(frame)
    assert [s.kind for s in made.steps] == ["base", "nonresponse", "scaled", "calibrated", "trimmed", "calibrated"]
    again = made.redo(made.base)
    assert (again.values == made.values).all()
    assert again.summary().equals(made.summary())


def test_redo_is_weighting_anew() -> None:
    frame = people(300).assign(answered=lambda f: (np.arange(len(f)) % 4 > 0).astype(int))
    made = chain(frame)
    bases = frame["d"].to_numpy()[:, None] * np.random.default_rng(5).integers(0, 3, (300, 6))
    many = made.redo_many(bases)
    assert many.shape == (300, 6)
    for r in range(6):
        anew = chain(frame.assign(d=bases[:, r]))
        np.testing.assert_allclose(made.redo(bases[:, r]).values, anew.values, rtol=1e-9)
        np.testing.assert_allclose(many[:, r], anew.values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("method", "bounds"), METHODS)
def test_redo_many_is_redo_for_every_method(method: str, bounds: tuple[float, float] | None) -> None:
    frame = people(300)
    made = weight.calibrate(frame, MARGINS, base="d", method=method, bounds=bounds)
    bases = frame["d"].to_numpy()[:, None] * np.random.default_rng(5).integers(0, 3, (300, 20))
    many = made.redo_many(bases)
    for r in range(20):
        np.testing.assert_allclose(many[:, r], made.redo(bases[:, r]).values, rtol=1e-10)


def test_redo_names_the_replicate_that_cannot_be_weighted() -> None:
    frame = people()
    made = weight.rake(frame, MARGINS, base="d")
    bases = np.column_stack([frame["d"], frame["d"] * (frame["sex"] == "Male")])
    with pytest.raises(WeightingError, match=r'replicate 2: .*no respondent with a weight in sex "Female"'):
        made.redo_many(bases)
    with pytest.raises(WeightingError, match=r"expected \(60, replicates\)"):
        made.redo_many(bases[:10])


def test_respondents_of_zero_weight_are_left_out_and_need_no_category() -> None:
    frame = people()
    frame.loc[10:14, "sex"] = None
    base = frame["d"].where(frame["sex"].notna(), 0.0)
    made = weight.rake(frame, MARGINS, base=base)
    assert (made.values[10:15] == 0).all()
    keep = frame["sex"].notna()
    np.testing.assert_allclose(made.values[keep], weight.rake(frame[keep], MARGINS, base="d").values, rtol=1e-12)


def test_a_hundred_thousand_respondents_take_hundredths_of_a_second() -> None:
    r = np.random.default_rng(4)
    n, sizes = 170_000, {"a": 9, "b": 14, "c": 5, "d": 10, "e": 2}
    frame = pd.DataFrame(
        {v: pd.Categorical.from_codes(r.integers(0, k, n), [f"{v}{i}" for i in range(k)]) for v, k in sizes.items()}
    )
    margins = {}
    for v, k in sizes.items():
        share = r.dirichlet(np.full(k, 20.0))
        margins[v] = {f"{v}{i}": s for i, s in enumerate(share * 1e6 / share.sum())}
    weight.rake(frame, margins)
    begun = time.process_time()
    made = weight.rake(frame, margins)
    used = time.process_time() - begun
    assert misfit(frame, made.values, margins) < 1e-10
    # Measured 0.007 s; on rows it takes tenths of a second.
    assert used < 0.1


# Errors.


def refused(frame: pd.DataFrame, margins: object, **options: object) -> str:
    with pytest.raises(WeightingError) as caught:
        weight.calibrate(frame, margins, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_linear_weights_below_zero_are_an_error_that_says_what_to_do() -> None:
    frame = pd.DataFrame({"a": ["x"] * 50 + ["y"] * 50, "b": ["u"] * 45 + ["v"] * 5 + ["u"] * 5 + ["v"] * 45})
    margins = {"a": {"x": 90, "y": 10}, "b": {"u": 15, "v": 85}}
    message = refused(frame, margins)
    assert "respondent(s) a weight of zero or less" in message
    assert 'Use method="raking"' in message
    made = weight.rake(frame, margins)
    assert (made.values > 0).all()


def test_bounds_too_tight_are_an_error_that_gives_the_tightest() -> None:
    frame = pd.DataFrame({"sex": ["F"] * 80 + ["M"] * 20})
    # g is 50/80 = 0.625 for women and 50/20 = 2.5 for men, whatever the method.
    for method in ("logit", "truncated_linear"):
        message = refused(frame, {"sex": {"F": 50, "M": 50}}, method=method, bounds=(0.5, 2.0))
        assert "bounds (0.5, 2) are too tight: with the lower bound 0.5 the upper must be above 2.5" in message
        message = refused(frame, {"sex": {"F": 50, "M": 50}}, method=method, bounds=(0.7, 3.0))
        assert "with the upper bound 3 the lower must be below 0.625" in message
    message = refused(frame, {"sex": {"F": 50, "M": 50}}, method="logit", bounds=(0.8, 1.2))
    assert "moving one of them alone does not help: the lower must be below 0.625 and the upper above 2.5" in message
    made = weight.calibrate(frame, {"sex": {"F": 50, "M": 50}}, method="truncated_linear", bounds=(0.62, 2.51))
    assert made.steps[-1].g_range == pytest.approx((0.625, 2.5))


def test_bounds_on_weights_that_cannot_be_kept() -> None:
    frame = pd.DataFrame({"sex": ["F"] * 80 + ["M"] * 20})
    message = refused(frame, {"sex": {"F": 50, "M": 50}}, weight_bounds=(0.1, 2.0))
    assert "Weights within these bounds do not exist" in message
    assert "weight_bounds: got (3, 2)" in refused(frame, {"sex": {"F": 50, "M": 50}}, weight_bounds=(3, 2))


def test_margins_no_positive_weights_meet() -> None:
    # Nobody is x and v, so y must hold all of v: 85 of y's 10.
    frame = pd.DataFrame({"a": ["x"] * 50 + ["y"] * 50, "b": ["u"] * 50 + ["u"] * 25 + ["v"] * 25})
    message = refused(frame, {"a": {"x": 90, "y": 10}, "b": {"u": 15, "v": 85}}, method="raking")
    assert "cannot be met to 1e-08" in message
    assert "Furthest off" in message
    assert "No weights of zero or more meet them all" in message
    # All of y is v: only with a weight of zero for those of y who are u.
    message = refused(frame, {"a": {"x": 90, "y": 10}, "b": {"u": 90, "v": 10}}, method="raking")
    assert "leave 25 respondent(s) no weight to speak of" in message
    assert 'those who are at once a "y" and b "u"' in message


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"method": "ipf"}, 'method: got "ipf"; expected one of linear, raking'),
        ({"method": "logit"}, "logit needs bounds"),
        ({"method": "raking", "bounds": (0.5, 2)}, "raking takes none"),
        ({"method": "logit", "bounds": (1.1, 2)}, "expected 0 <= lower < 1 < upper"),
        ({"method": "logit", "bounds": (0.1, np.inf)}, "expected 0 <= lower < 1 < upper"),
        ({"base": "none"}, 'base: the data have no column "none"'),
        ({"base": [1.0, 2.0]}, "shape (2,); expected (60,)"),
        ({"base": [np.nan] * 2 + [1.0] * 58}, "2 missing weight(s) of 60"),
        ({"base": [-1.0] + [1.0] * 59}, "1 negative weight(s) of 60"),
        ({"base": [np.inf] + [1.0] * 59}, "1 infinite weight(s) of 60"),
        ({"base": [0.0] * 60}, "none of 60 weights is positive"),
    ],
)
def test_calls_that_make_no_sense(options: dict[str, object], expected: str) -> None:
    assert expected in refused(people(), MARGINS, **options)


def test_weights_of_another_frame() -> None:
    made = weight.rake(people(), MARGINS)
    with pytest.raises(WeightingError, match="got 60 weights for 50 respondents"):
        weight.rake(people().iloc[:50], MARGINS, base=made)
    with pytest.raises(WeightingError, match="there is no respondent"):
        weight.rake(people().iloc[:0], MARGINS)
    with pytest.raises(WeightingError, match="expected a pandas DataFrame, got ndarray"):
        weight.rake(people().to_numpy(), MARGINS)


def test_poststratify_and_rake_refuse_what_is_not_theirs() -> None:
    with pytest.raises(WeightingError, match=r'takes one margin. Got sex, age. Cross them, as in "sex\*age"'):
        weight.poststratify(people(), MARGINS)
    totals = pd.DataFrame([("d", None, 100)], columns=["variable", "category", "population"])
    with pytest.raises(WeightingError, match="raking needs a margin of categories"):
        weight.rake(people(), totals)
