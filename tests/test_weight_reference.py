"""Weights equal R survey's: the published cases on the API schools, and invented people with unequal base weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engagement_stats import weight
from engagement_stats.steps import Weights

HERE = Path(__file__).parent / "reference"
SHARED = Path(__file__).parents[2] / "shared" / "reference"

SEX = {"Female": 5200, "Male": 4800}
AGE = {"18-34": 2900, "35-54": 3300, "55+": 3800}
REGION = {"East": 2000, "North": 3100, "South": 2700, "West": 2200}
CROSSED = {
    "18-34 | Female": 1450, "35-54 | Female": 1700, "55+ | Female": 2050,
    "18-34 | Male": 1450, "35-54 | Male": 1600, "55+ | Male": 1750,
}  # fmt: skip
THREE = {"sex": SEX, "age": AGE, "region": REGION}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return pd.read_csv(HERE / "weight_people.csv")


@pytest.fixture(scope="module")
def r_weights() -> Callable[[str], np.ndarray]:
    values = pd.read_csv(HERE / "weight_values.csv")

    def of(case: str) -> np.ndarray:
        return values.loc[values["case"] == case].sort_values("row")["value"].to_numpy()

    return of


def with_hours() -> pd.DataFrame:
    rows = [("sex", c, p) for c, p in SEX.items()]
    return pd.DataFrame([*rows, ("hours", None, 41000)], columns=["variable", "category", "population"])


MADE: dict[str, Callable[[pd.DataFrame], Weights]] = {
    "rake": lambda p: weight.rake(p, THREE, base="d"),
    "raking": lambda p: weight.calibrate(p, THREE, base="d", method="raking"),
    "linear": lambda p: weight.calibrate(p, THREE, base="d"),
    "logit": lambda p: weight.calibrate(p, THREE, base="d", method="logit", bounds=(0.6, 1.6)),
    "truncated_linear": lambda p: weight.calibrate(p, THREE, base="d", method="truncated_linear", bounds=(0.68, 1.5)),
    "poststratify": lambda p: weight.poststratify(p, {"age*sex": CROSSED}, base="d"),
    "crossed_raking": lambda p: weight.rake(p, {"age*sex": CROSSED, "region": REGION}, base="d"),
    "greg": lambda p: weight.calibrate(p, with_hours(), base="d"),
}


@pytest.mark.parametrize("case", MADE)
def test_weights_are_r_s_with_unequal_base_weights(
    case: str, people: pd.DataFrame, r_weights: Callable[[str], np.ndarray]
) -> None:
    # R stops at 1e-12 or 1e-13 of the misfit over 1 + total, so its weights are right to about 1e-10.
    np.testing.assert_allclose(MADE[case](people).values, r_weights(case), rtol=1e-9)


def test_bounds_bind_in_the_reference_cases(people: pd.DataFrame, r_weights: Callable[[str], np.ndarray]) -> None:
    base = people["d"].to_numpy() * 10000 / people["d"].sum()
    assert (r_weights("truncated_linear") / base).min() == pytest.approx(0.68)
    assert (r_weights("linear") / base).min() < 0.68
    assert (r_weights("raking") / base).max() > (r_weights("logit") / base).max()


def test_trimmed_weights_are_r_s(people: pd.DataFrame, r_weights: Callable[[str], np.ndarray]) -> None:
    raked = weight.rake(people, THREE, base="d")
    ours = weight.trim(raked, lower=12, upper=113, recalibrate=False)
    assert ours.steps[-1].trimmed_share > 0
    np.testing.assert_allclose(ours.values, r_weights("trim"), rtol=1e-9)


def test_propensities_are_r_s(people: pd.DataFrame, r_weights: Callable[[str], np.ndarray]) -> None:
    base = people["d"].to_numpy() * 10000 / people["d"].sum()
    ours = weight.adjust_propensity(people, ["sex", "age", "region", "hours"], "answered", base=base)
    expected = r_weights("propensity")
    np.testing.assert_allclose(ours.steps[-1].propensity, expected, rtol=1e-8)
    np.testing.assert_allclose(ours.values, np.where(people["answered"] == 1, base / expected, 0.0), rtol=1e-8)


# The published cases. R survey 4.5 gives the smallest, largest, sum and sum of squares of each weight, and three
# estimates that depend on every weight.


@pytest.fixture(scope="module")
def schools() -> pd.DataFrame:
    file = SHARED / "data" / "apiclus1.csv"
    if not file.exists():
        pytest.skip("the shared reference data are not here")
    return pd.read_csv(file)


TYPES = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}
BOTH = {"stype": TYPES, "sch.wide": WIDE}


def greg(s: pd.DataFrame) -> Weights:
    rows = [("stype", c, p) for c, p in TYPES.items()]
    margins = pd.DataFrame([*rows, ("api99", None, 3914069)], columns=["variable", "category", "population"])
    return weight.calibrate(s, margins, base="pw")


PUBLISHED: dict[str, tuple[Callable[[pd.DataFrame], Weights], float]] = {
    # The closed form is exact; R's other answers are as good as the tolerance it iterates to.
    "F1.poststrat": (lambda s: weight.poststratify(s, {"stype": TYPES}, base="pw"), 1e-12),
    "F2.rake": (lambda s: weight.rake(s, BOTH, base="pw"), 1e-9),
    "F3.cal.linear": (lambda s: weight.calibrate(s, BOTH, base="pw"), 1e-12),
    "F4.cal.raking": (lambda s: weight.calibrate(s, BOTH, base="pw", method="raking"), 1e-9),
    "F10.greg.fixedw": (greg, 1e-11),
    "F11.trim": (lambda s: weight.trim(weight.rake(s, BOTH, base="pw"), lower=20, upper=45, recalibrate=False), 1e-9),
    "F12.trim.strict": (
        lambda s: weight.trim(weight.rake(s, BOTH, base="pw"), lower=20, upper=45, recalibrate=False), 1e-9,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PUBLISHED)
def test_published_weights(case: str, schools: pd.DataFrame) -> None:
    make, tolerance = PUBLISHED[case]
    known = pd.read_csv(SHARED / "reference_values.csv").query("case == @case").set_index("stat")["value"]
    made = make(schools)
    w = made.values
    ours = {
        "w.min": w.min(), "w.max": w.max(), "w.sum": w.sum(), "w.sumsq": (w**2).sum(),
        "mean.api00": (w @ schools["api00"]) / w.sum(), "total.enroll": w @ schools["enroll"],
        "ratio": (w @ schools["api.stu"]) / (w @ schools["enroll"]),
    }  # fmt: skip
    for stat, value in ours.items():
        assert value == pytest.approx(known[stat], rel=tolerance), stat


def test_published_kish(schools: pd.DataFrame) -> None:
    known = pd.read_csv(SHARED / "reference_values.csv").query("case == 'F13.kish'").set_index("stat")["value"]
    made = weight.rake(schools, BOTH, base="pw")
    assert made.design_effect == pytest.approx(known["deff_kish"], rel=1e-9)
    assert made.effective_n == pytest.approx(known["n_eff"], rel=1e-9)
