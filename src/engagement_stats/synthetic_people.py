"""Invent the respondents of the demonstration, with the answers, routing and weights that real ones would have.

Belongs here: people, households and what they do, so that national rates equal the published ones.
Not here: writing them as files, and respondents of other waves (synthetic).

Nobody in these frames exists. Everything finer than the national rates is invented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

MARKER = "synthetic_data"


@dataclass(frozen=True)
class Margin:
    """A national rate to reproduce, a share of adults, and where it comes from."""

    share: float
    published_for: str | None


# Community Life Survey, England, adults 16+, online and paper completes. Where no source at hand publishes a
# year's figure, the nearest published wave of the same series stands in and `published_for` names it.
# Sources: DCMS reports on 2016-17 and 2018-19 (page 1 of each); DCMS 2019/20 release (chapters and landing
# pages); DCMS 2020/21 release as quoted by Voluntary Action Coventry (informal) and by the Directory of
# Social Change (any). Civic participation beyond whole per cents: Social Mobility Commission, State of the
# Nation, indicator DR41. Social action 2018-19 is as the APPG briefing quotes it; the table was not seen.
# Informal volunteering in 12 months is in none of them for this series: its share is an assumption, lying
# where formal and any volunteering leave room for it.
MARGINS: Mapping[str, Mapping[str, Margin]] = {
    "2018-19": {
        "formal_volunteering_12m": Margin(0.36, "2018-19"),
        "formal_volunteering_monthly": Margin(0.22, "2018-19"),
        "informal_volunteering_12m": Margin(0.54, None),
        "informal_volunteering_monthly": Margin(0.33, "2020-21"),
        "any_volunteering_12m": Margin(0.63, "2016-17"),
        "civic_participation_12m": Margin(0.34351, "2018-19"),
        "social_action_12m": Margin(0.15, "2018-19"),
        "belong_neighbourhood_strongly": Margin(0.62, "2018-19"),
    },
    "2019-20": {
        "formal_volunteering_12m": Margin(0.37, "2019-20"),
        "formal_volunteering_monthly": Margin(0.23, "2019-20"),
        "informal_volunteering_12m": Margin(0.54, None),
        "informal_volunteering_monthly": Margin(0.33, "2020-21"),
        "any_volunteering_12m": Margin(0.62, "2020-21"),
        "civic_participation_12m": Margin(0.407, "2019-20"),
        "social_action_12m": Margin(0.16, "2019-20"),
        "belong_neighbourhood_strongly": Margin(0.62, "2018-19"),
    },
}

# The poll of "left behind" neighbourhoods: 8 and 14 per cent as the APPG briefing of 2020 states them. The
# third item is an assumption: it is not known that a poll put the question of the Community Life Survey.
POLL_MARGINS: Mapping[str, Margin] = {
    "community_group_membership_12m": Margin(0.08, "2020"),
    "unpaid_voluntary_activities": Margin(0.14, "2020"),
    "formal_volunteering_12m": Margin(0.25, None),
}

REGIONS = (
    "North East", "North West", "Yorkshire and the Humber", "East Midlands", "West Midlands",
    "East of England", "London", "South East", "South West",
)  # fmt: skip
# Residents aged 16+, thousands. ONS mid-2020 population estimates by local authority, summed to regions.
REGION_ADULTS = np.array([2203, 5957, 4474, 3963, 4791, 5051, 7149, 7443, 4665], float)
AGE_BANDS = ("16-24", "25-34", "35-49", "50-64", "65-74", "75+")
AGE_FIRST = np.array([16, 25, 35, 50, 65, 75])
AGE_LAST = np.array([24, 34, 49, 64, 74, 95])
# England, thousands. ONS mid-2020 population estimates.
AGE_ADULTS = np.array([5951, 7596, 10853, 10834, 5598, 4866], float)
# Women's share of each age band. ONS mid-2023 population estimates, England.
AGE_FEMALE = np.array([0.487, 0.510, 0.513, 0.509, 0.519, 0.564])
# The 225 "left behind" neighbourhoods by region (OCSI and Local Trust, 2020), and their share of England's
# population (ONS mid-2019: 2,386,368 of 56,286,961).
LBN_WARDS = np.array([56, 54, 28, 17, 31, 18, 2, 16, 3])
LBN_SHARE = 0.0424

# From here to the end of the block: inventions, chosen to look like a survey of this kind.
OTHER_WARDS = 150  # in each region
REGION_FRACTION = np.array([1.35, 1.05, 1.1, 1.1, 1.0, 1.05, 0.75, 1.0, 1.15])  # sampled more or less than its share
LBN_FRACTION = 1.5
AGE_RESPONSE = np.array([0.5, 0.65, 0.9, 1.15, 1.35, 1.05])
HOUSEHOLD_SIZE = np.array([0.56, 0.36, 0.05, 0.03])  # adults of a household who answer: 1 to 4
WEIGHT_SPREAD = 0.38  # of log weights, once for the household and once for the person
RURAL = np.array([0.19, 0.11, 0.18, 0.27, 0.15, 0.29, 0.01, 0.21, 0.32])
ETHNICITY = np.array([0.86, 0.02, 0.075, 0.033, 0.012])  # White, Mixed, Asian, Black, Other
ETHNICITY_LONDON = np.array([0.61, 0.04, 0.19, 0.12, 0.04])
# Shares of the variance between people that are common to a household and to a person's several activities.
HOUSEHOLD_VARIANCE, PERSON_VARIANCE = 0.30, 0.20


@dataclass(frozen=True)
class _Lean:
    """How far groups lean towards an activity, in standard deviations of the propensity to do it."""

    age: tuple[float, ...]
    female: float
    left_behind: float
    region: tuple[float, ...] = (-0.05, -0.02, -0.02, 0.0, -0.06, 0.02, 0.0, 0.08, 0.1)


LEANS: Mapping[str, _Lean] = {
    "formal": _Lean((0.0, -0.23, 0.05, 0.0, 0.2, 0.05), 0.05, -0.4),
    "informal": _Lean((0.05, -0.05, 0.05, 0.05, 0.1, -0.1), 0.15, -0.12),
    "civic": _Lean((-0.15, -0.05, 0.1, 0.05, 0.08, -0.2), 0.08, -0.3),
    "social": _Lean((-0.15, -0.1, 0.1, 0.05, 0.15, -0.1), 0.05, -0.45),
    "belonging": _Lean(
        (-0.2, -0.27, 0.0, 0.08, 0.25, 0.35), 0.08, -0.15, (0.1, 0.02, 0.02, 0.0, 0.0, 0.0, -0.12, 0.0, 0.06)
    ),
}

# How often each kind is named by those who name any; the last code of each list is "none of these".
GROUP_KINDS = np.array([0.3, 0.3, 0.2, 0.08, 0.12, 0.2, 0.05, 0.08, 0.15, 0.05, 0.12, 0.03, 0.15, 0.06, 0.1, 0.08])
HELP_KINDS = np.array([0.4, 0.3, 0.25, 0.38, 0.15, 0.18, 0.22, 0.17, 0.2, 0.08, 0.12, 0.3, 0.1])
FAVOUR_KINDS = np.array([0.4, 0.25, 0.3, 0.2, 0.2, 0.25, 0.3, 0.15, 0.2, 0.1, 0.1, 0.08])
SOCIAL_KINDS = np.array([0.25, 0.15, 0.2, 0.3, 0.3, 0.15])
CIVIC_KINDS = np.array([0.3, 0.1, 0.85])

REFUSED, DONT_KNOW, NOT_CLASSIFIED, NOT_ASKED = -9, -8, -3, -1


@dataclass(frozen=True)
class _People:
    """Invented respondents, an entry each in every array; `age_band`, `region` and so on count from 0."""

    household: np.ndarray
    region: np.ndarray
    quarter: np.ndarray
    left_behind: np.ndarray
    ward: np.ndarray
    age_band: np.ndarray
    female: np.ndarray
    base_weight: np.ndarray

    @property
    def number(self) -> int:
        return len(self.household)


def _left_behind_by_region() -> np.ndarray:
    """Share of each region's adults who live in a "left behind" neighbourhood."""
    share: np.ndarray = LBN_SHARE * REGION_ADULTS.sum() * LBN_WARDS / LBN_WARDS.sum() / REGION_ADULTS
    return share


def _wards(rng: np.random.Generator, region: np.ndarray, left_behind: np.ndarray) -> np.ndarray:
    """Draw a ward number: 1 to 225 the "left behind" ones, region by region, the others after them."""
    first = np.concatenate([[0], np.cumsum(LBN_WARDS)[:-1]])[region]
    inside = first + (rng.random(len(region)) * LBN_WARDS[region]).astype(int)
    outside = LBN_WARDS.sum() + region * OTHER_WARDS + rng.integers(0, OTHER_WARDS, len(region))
    return np.where(left_behind, inside, outside) + 1


def _ages(rng: np.random.Generator, first: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Draw ages: the first of a household at random, the second near the first, others young."""
    band = rng.choice(len(AGE_BANDS), len(first), p=_shares(AGE_ADULTS * AGE_RESPONSE))
    alone = AGE_FIRST[band] + (rng.random(len(first)) * (AGE_LAST - AGE_FIRST + 1)[band]).astype(int)
    partner = np.clip(alone[first] + np.rint(rng.normal(0, 4, len(first))).astype(int), 16, 95)
    young = rng.integers(16, 28, len(first))
    return np.select([position == 0, position == 1], [alone, partner], young)


def _people(rng: np.random.Generator, adults: int) -> _People:
    """Draw households with the adults in them who answered."""
    size = rng.choice([1, 2, 3, 4], adults, p=HOUSEHOLD_SIZE)
    household = np.repeat(np.arange(adults), size)[:adults]
    households = int(household[-1]) + 1
    first = np.searchsorted(household, household)
    position = np.arange(adults) - first

    region = rng.choice(len(REGIONS), households, p=_shares(REGION_ADULTS * REGION_FRACTION))
    quarter = rng.integers(0, 4, households)
    sampled = _left_behind_by_region() * LBN_FRACTION
    left_behind = rng.random(households) < (sampled / (sampled + 1 - _left_behind_by_region()))[region]
    ward = _wards(rng, region, left_behind)

    age_band = np.searchsorted(AGE_FIRST, _ages(rng, first, position), side="right") - 1
    female = rng.random(adults) < 0.52
    couple = (position == 1) & (rng.random(adults) < 0.97)
    female = np.where(couple, ~female[first], female)
    spread = WEIGHT_SPREAD * (rng.normal(size=households)[household] + rng.normal(size=adults))
    fraction = (REGION_FRACTION[region] * np.where(left_behind, LBN_FRACTION, 1.0))[household]
    return _People(
        household,
        region[household],
        quarter[household],
        left_behind[household],
        ward[household],
        age_band,
        female,
        np.exp(spread) / fraction,
    )


def _shares(amounts: np.ndarray) -> np.ndarray:
    share: np.ndarray = amounts / amounts.sum()
    return share


def _rake(weight: np.ndarray, margins: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Fit weights to margins (cell of each respondent, population of each cell); mean 1, six decimals."""
    for _ in range(40):
        for cell, population in margins:
            held = np.bincount(cell, weight, len(population))
            wanted = np.where(held > 0, population, 0.0)
            factor = np.divide(_shares(wanted), held, out=np.ones_like(held), where=held > 0)
            weight = weight * factor[cell]
    return np.round(weight / weight.mean(), 6)


def _age_by_sex() -> np.ndarray:
    """Adults by age band, men before women within each."""
    return (AGE_ADULTS[:, None] * np.column_stack([1 - AGE_FEMALE, AGE_FEMALE])).ravel()


def _calibrated(people: _People, base: np.ndarray) -> np.ndarray:
    return _rake(base, [(2 * people.age_band + people.female, _age_by_sex()), (people.region, REGION_ADULTS)])


class _Propensities:
    """Each respondent's leaning to do each thing; alike within a household and across what a person does."""

    def __init__(self, rng: np.random.Generator, people: _People) -> None:
        shared = np.sqrt(HOUSEHOLD_VARIANCE) * rng.normal(size=int(people.household[-1]) + 1)[people.household]
        self._common = shared + np.sqrt(PERSON_VARIANCE) * rng.normal(size=people.number)
        self._rng, self._people = rng, people

    def draw(self, kind: str) -> np.ndarray:
        """Draw the propensity to do one kind of thing."""
        lean, people = LEANS[kind], self._people
        own = np.sqrt(1 - HOUSEHOLD_VARIANCE - PERSON_VARIANCE) * self._rng.normal(size=people.number)
        groups = np.array(lean.age)[people.age_band] + np.array(lean.region)[people.region]
        drawn: np.ndarray = (
            self._common + own + groups + lean.female * people.female + lean.left_behind * people.left_behind
        )
        return drawn


def _most_inclined(
    propensity: np.ndarray, weight: np.ndarray, among: np.ndarray, share: float, base: np.ndarray
) -> np.ndarray:
    """Mark who does a thing: the most inclined, until they weigh `share` of what the base weighs.

    Whoever would carry the weight past its mark is passed over for the one of the next few who comes nearest.
    """
    wanted = share * weight[base].sum()
    order = np.flatnonzero(among)
    order = order[np.argsort(-propensity[order], kind="stable")]
    reached = np.cumsum(weight[order])
    inside = int(np.searchsorted(reached, wanted, side="right"))
    chosen = np.zeros(len(weight), bool)
    chosen[order[:inside]] = True
    rest = wanted - (reached[inside - 1] if inside else 0.0)
    following = order[inside : inside + 50]
    if len(following):
        nearest = following[np.argmin(np.abs(weight[following] - rest))]
        chosen[nearest] = abs(weight[nearest] - rest) < rest
    return chosen


def _kinds(rng: np.random.Generator, does: np.ndarray, often: np.ndarray) -> np.ndarray:
    """Draw which kinds each respondent names: at least one who does the thing, none who does not."""
    named: np.ndarray = rng.random((len(does), len(often))) < often
    bare = np.flatnonzero(does & ~named.any(axis=1))
    named[bare, rng.choice(len(often), len(bare), p=_shares(often))] = True
    return named & does[:, None]


def _multicode(names: Sequence[str], named: np.ndarray, masks: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
    """Make 0/1 columns of a list, the last of them "none of these"; `masks` puts codes over them."""
    none = ~named.any(axis=1)
    columns = {}
    for name, column in zip(names, [*named.T, none], strict=True):
        codes = column.astype(np.int64)
        for code, mask in masks.items():
            codes[mask] = code
        columns[name] = codes
    return columns


def _derived(yes: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    return np.where(unknown, NOT_CLASSIFIED, yes.astype(np.int64))


def _letters(stem: str, number: int, first: str = "A") -> list[str]:
    return [stem + chr(ord(first) + i) for i in range(number)]


def _volunteering(
    rng: np.random.Generator,
    lean: _Propensities,
    weight: np.ndarray,
    margins: Mapping[str, Margin],
) -> dict[str, np.ndarray]:
    """Make the volunteering questions and what is derived from them."""
    share = {name: margin.share for name, margin in margins.items()}
    number = len(weight)
    refused = rng.random(number) < 0.006
    known = ~refused
    formal_lean, informal_lean = lean.draw("formal"), lean.draw("informal")

    formal = _most_inclined(formal_lean, weight, known, share["formal_volunteering_12m"], known)
    only_informal = share["any_volunteering_12m"] - share["formal_volunteering_12m"]
    informal = _most_inclined(informal_lean, weight, known & ~formal, only_informal, known)
    both = share["informal_volunteering_12m"] - only_informal
    informal |= _most_inclined(informal_lean, weight, known & formal, both, known)

    unsure = formal & (rng.random(number) < 0.01)  # how often
    timed = known & ~unsure
    often = formal_lean + 0.3 * rng.normal(size=number)
    formal_monthly = _most_inclined(often, weight, formal & timed, share["formal_volunteering_monthly"], timed)
    often = informal_lean + 0.3 * rng.normal(size=number)
    informal_monthly = _most_inclined(often, weight, informal, share["informal_volunteering_monthly"], known)

    involved = formal | (known & (formal_lean + 0.5 * rng.normal(size=number) > 0))
    frequency = np.where(formal_monthly, np.where(rng.random(number) < 0.45, 1, 2), 3)
    for code, mask in ((NOT_ASKED, ~formal), (DONT_KNOW, unsure), (REFUSED, refused)):
        frequency[mask] = code
    groups = _kinds(rng, involved, GROUP_KINDS)
    helped = _kinds(rng, formal, HELP_KINDS)
    favours = _kinds(rng, informal, FAVOUR_KINDS)
    return {
        **_multicode(_letters("FGroup1", 17), groups, {REFUSED: refused}),
        **_multicode(_letters("FUnPd1", 14), helped, {NOT_ASKED: ~involved, REFUSED: refused}),
        "FUnOft": frequency,
        **_multicode([f"IHlp{i}" for i in range(1, 14)], favours, {REFUSED: refused}),
        "Zforvol": _derived(formal, refused),
        "Zformon": _derived(formal_monthly, ~timed),
        "Zinfvol": _derived(informal, refused),
        "ZIhlpmon": _derived(informal_monthly, refused),
        "Zinffor": _derived(formal | informal, refused),
        "Zinfform": _derived(formal_monthly | informal_monthly, ~timed & ~informal_monthly),
    }


def _community(
    rng: np.random.Generator,
    lean: _Propensities,
    weight: np.ndarray,
    margins: Mapping[str, Margin],
) -> dict[str, np.ndarray]:
    """Make the questions on social action, civic participation and belonging."""
    number = len(weight)
    no_social, no_civic, no_belonging = (rng.random(number) < lost for lost in (0.008, 0.01, 0.015))
    social = _most_inclined(lean.draw("social"), weight, ~no_social, margins["social_action_12m"].share, ~no_social)
    civic = _most_inclined(lean.draw("civic"), weight, ~no_civic, margins["civic_participation_12m"].share, ~no_civic)
    strongly = _most_inclined(
        lean.draw("belonging"),
        weight,
        ~no_belonging,
        margins["belong_neighbourhood_strongly"].share,
        ~no_belonging,
    )
    belonging = np.where(rng.random(number) < 0.3, 1, 2)
    belonging = np.where(strongly, belonging, np.where(rng.random(number) < 0.75, 3, 4))
    belonging[no_belonging] = np.where(rng.random(number) < 0.8, DONT_KNOW, REFUSED)[no_belonging]
    unsure = no_civic & (rng.random(number) < 0.5)
    return {
        **_multicode(_letters("LocInvN", 7, "a"), _kinds(rng, social, SOCIAL_KINDS), {REFUSED: no_social}),
        "ZLocInv1": _derived(social, no_social),
        **_multicode(
            _letters("CivPart", 4, "a"),
            _kinds(rng, civic, CIVIC_KINDS),
            {REFUSED: no_civic, DONT_KNOW: unsure},
        ),
        "SBeNeigh": belonging,
    }


def community_life(rng: np.random.Generator, adults: int, year: str) -> pd.DataFrame:
    """Make a year's respondents of the Community Life Survey with the columns of the deposited files.

    Of the columns, HHSerial, FinalStratum, WardCode and LBNward are not in the deposited public files.
    """
    people = _people(rng, adults)
    weight = _calibrated(people, people.base_weight)
    adjusted = _calibrated(people, people.base_weight * np.exp(0.15 * rng.normal(size=adults)))
    ethnicity = np.where(
        people.region == REGIONS.index("London"),
        rng.choice(5, adults, p=_shares(ETHNICITY_LONDON)),
        rng.choice(5, adults, p=_shares(ETHNICITY)),
    )[np.searchsorted(people.household, people.household)]
    sex = np.where(rng.random(adults) < 0.003, np.nan, people.female + 1.0)
    age = people.age_band + 1
    age[rng.random(adults) < 0.004] = REFUSED
    rural = ~people.left_behind & (rng.random(OTHER_WARDS * 9 + 226)[people.ward] < RURAL[people.region])
    lean = _Propensities(rng, people)
    first_serial = int(year[2:4]) * 1_000_000
    columns: dict[str, np.ndarray | list[str] | int] = {
        "Cserial": first_serial + 1 + np.arange(adults),
        "HHSerial": first_serial + 1 + people.household,
        "FinalStratum": (people.region + 1) * 10 + people.quarter + 1,
        "Quarter": people.quarter + 1,
        "GOR": people.region + 1,
        "WardCode": [f"W{w:04d}" for w in people.ward],
        "LBNward": people.left_behind.astype(np.int64),
        "Rural11": rural + 1,
        "sexg": sex,
        "R3Age6": age,
        "Ethnic2": np.where(ethnicity == 0, 1, 2),
        "Ethnic5a": ethnicity + 1,
        **_volunteering(rng, lean, weight, MARGINS[year]),
        **_community(rng, lean, weight, MARGINS[year]),
        "StandardisedBaseWeight": np.round(people.base_weight / people.base_weight.mean(), 6),
        "RespondentCalibrationWeight": weight,
        "SRCaliw": adjusted,
        MARKER: 1,
    }
    return pd.DataFrame(columns)


def poll(rng: np.random.Generator, residents: int) -> pd.DataFrame:
    """Make a poll of residents aged 18+ of "left behind" neighbourhoods, answers in words."""
    region = rng.choice(len(REGIONS), residents, p=_shares(LBN_WARDS.astype(float)))
    adults = AGE_ADULTS * np.array([7 / 9, 1, 1, 1, 1, 1])
    band = rng.choice(len(AGE_BANDS), residents, p=_shares(adults * AGE_RESPONSE))
    lowest = np.maximum(AGE_FIRST, 18)
    age = lowest[band] + (rng.random(residents) * (AGE_LAST - lowest + 1)[band]).astype(int)
    female = rng.random(residents) < 0.54
    age_by_sex = (adults[:, None] * np.column_stack([1 - AGE_FEMALE, AGE_FEMALE])).ravel()
    weight = _rake(
        np.exp(0.3 * rng.normal(size=residents)),
        [(2 * band + female, age_by_sex), (region, LBN_WARDS.astype(float))],
    )
    common = rng.normal(size=residents)
    everyone = np.ones(residents, bool)
    answers = {}
    for name, margin in POLL_MARGINS.items():
        inclined = np.sqrt(0.5) * (common + rng.normal(size=residents))
        yes = _most_inclined(inclined, weight, everyone, margin.share, everyone)
        unsure = ~yes & (rng.random(residents) < 0.02)
        answers[name] = np.select([yes, unsure], ["Yes", "Don't know"], "No")
    return pd.DataFrame(
        {
            "respondent_id": np.arange(1, residents + 1),
            "weight": weight,
            "region": np.array(REGIONS)[region],
            "ward": [f"W{w:04d}" for w in _wards(rng, region, everyone)],
            "sex": np.where(female, "Female", "Male"),
            "age": age,
            "q1_group_member": answers["community_group_membership_12m"],
            "q2_unpaid_activities": answers["unpaid_voluntary_activities"],
            "q3_unpaid_help_groups": answers["formal_volunteering_12m"],
            MARKER: 1,
        }
    )
