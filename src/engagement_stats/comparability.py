"""Judge whether two estimates are like for like: the axes on which they differ, the grade, a caveat for each.

Belongs here: where each side stands on each axis, derived from the catalogue's facts, and the rule that grades.
Not here: the facts (catalogue), differences and verdicts (differences, compare), sentences (phrase).
Methods: docs/methods.md#comparisons
"""

from collections.abc import Iterable
from dataclasses import dataclass

from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m

UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether two estimates may be compared: the grade, the axes they differ on, a caveat for each."""

    grade: m.Grade
    differs_on: tuple[m.Axis, ...]
    caveats: tuple[str, ...]


def facts(catalogue: Catalogue, side: m.Side) -> dict[str, str]:
    """State, for one side of a comparison, where it stands on each axis ("not known" where nobody can say)."""
    wave = catalogue.waves[side.wave]
    indicator = catalogue.indicators[side.indicator]
    question = catalogue.question_of(side.wave, side.indicator)
    population = catalogue.population(side.wave)
    place = population.geography if side.level == "all" else f"{side.level}, {population.geography}"
    return {
        "concept": indicator.concept.replace("_", " "),
        "wording": UNKNOWN if question is None or question.text is None else question.text,
        "prompting": UNKNOWN if question is None else _plain(question.prompting),
        "recall": _plain(indicator.recall),
        "population_age": UNKNOWN if population.age_from is None else f"aged {population.age_from} and over",
        "population_geography": place,
        "mode": _plain(wave.mode),
        "sampling": _plain(catalogue.sampling(side.wave)),
        "fieldwork": wave.fieldwork.label,
        "series": wave.series or UNKNOWN,
    }


WORDS = {
    "unknown": UNKNOWN,
    "12m": "the last 12 months",
    "four_weeks": "the last four weeks",
    "monthly": "at least once a month",
    "not_applicable": "no period",
    "web_and_paper": "web and paper",
    "face_to_face": "face to face",
    "opt_in_panel": "an opt-in panel",
    "probability": "a random sample",
    "quota": "a quota sample",
    "single_item": "one question",
    "list": "a prompted list",
    "battery": "a battery of questions",
}


def _plain(word: str) -> str:
    return WORDS.get(word, word.replace("_", " "))


def _months_apart(left: m.Fieldwork, right: m.Fieldwork) -> float:
    """Months between the nearest ends of two fieldwork periods; whole years where only the year is known."""
    if left.start and left.end and right.start and right.end:
        first, second = sorted([(left.start, left.end), (right.start, right.end)])
        return max((second[0] - first[1]).days, 0) / 30.44
    return 12.0 * abs(left.year - right.year)


def _breaks_between(catalogue: Catalogue, left: m.Side, right: m.Side) -> list[str]:
    """Reasons for the breaks of a series that lie between two of its waves."""
    a, b = catalogue.waves[left.wave], catalogue.waves[right.wave]
    if a.survey != b.survey or a.series is None or a.series != b.series:
        return []
    order = catalogue.series_waves(a.survey, a.series)
    first, last = sorted([order.index(left.wave), order.index(right.wave)])
    return [
        x.reason for x in catalogue.surveys[a.survey].series[a.series].breaks if x.wave in order[first + 1 : last + 1]
    ]


def _differing(catalogue: Catalogue, left: m.Side, right: m.Side) -> dict[m.Axis, tuple[str, str]]:
    """Axes on which two sides differ or are not known to agree, with where each stands."""
    a, b = facts(catalogue, left), facts(catalogue, right)
    same_wave = left.wave == right.wave
    wave_a, wave_b = catalogue.waves[left.wave], catalogue.waves[right.wave]
    out: dict[m.Axis, tuple[str, str]] = {}
    question_a = catalogue.question_of(left.wave, left.indicator)
    same_question = question_a is not None and question_a == catalogue.question_of(right.wave, right.indicator)
    for axis in ("concept", "wording", "prompting", "recall", "population_age", "mode", "sampling"):
        settled = (same_wave and axis in ("population_age", "mode", "sampling")) or (
            same_question and axis in ("wording", "prompting")
        )
        if not settled and (a[axis] != b[axis] or a[axis] == UNKNOWN):
            out[axis] = (a[axis], b[axis])
    if a["population_geography"] != b["population_geography"]:
        out["population_geography"] = (a["population_geography"], b["population_geography"])
    if _months_apart(wave_a.fieldwork, wave_b.fieldwork) > catalogue.rules.comparability.fieldwork_months:
        out["fieldwork"] = (a["fieldwork"], b["fieldwork"])
    if wave_a.survey == wave_b.survey and wave_a.series != wave_b.series:
        out["series"] = (a["series"], b["series"])
    if reasons := _breaks_between(catalogue, left, right):
        out["series_break"] = (" ".join(reasons), "")
    return out


def judge(
    catalogue: Catalogue,
    left: m.Side,
    right: m.Side,
    *,
    about: Iterable[m.Axis] = (),
    override: m.Override | None = None,
) -> Judgement:
    """Say whether two estimates are like for like, and what to tell a reader if they are not.

    Parameters
    ----------
    catalogue : Catalogue
        Holds the facts about both sides and the rule.
    left, right : Side
    about : iterable of str, optional
        Axes on which the two are meant to differ; they carry no caveat.
    override : Override, optional
        A grade given by a person, with the reason; the reason becomes a caveat.

    Returns
    -------
    Judgement
        The gravest grade of any differing axis; `not_comparable` also when the rule's number of axes differ.
    """
    rules = catalogue.rules.comparability
    axes = {k: v for k, v in _differing(catalogue, left, right).items() if k not in set(about)}
    caveats = [
        rules.axes[k]
        .caveat.format(left=v[0], right=v[1])
        .replace(f"{UNKNOWN} against {UNKNOWN}", f"{UNKNOWN} of either")
        for k, v in axes.items()
    ]
    grades = {rules.axes[k].grade for k in axes}
    if "not_comparable" in grades or len(axes) >= rules.not_comparable_from:
        grade: m.Grade = "not_comparable"
    else:
        grade = "indicative" if "indicative" in grades else "comparable"
    if override is not None:
        grade = override.grade
        caveats.append(f"Graded {grade.replace('_', ' ')} by hand: {override.reason}")
    return Judgement(grade, tuple(axes), tuple(caveats))
