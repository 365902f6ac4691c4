"""Name the people and the time that an estimate is about.

Belongs here: putting the phrase of a population and those of levels together, everybody outside a level, the time of
a wave.
Not here: the phrases (catalogue), and the sentence around them (phrase).
"""

from engagement_stats.catalogue import CROSS, LEVEL_SEPARATOR, REST, Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.style import People, Wording


def group(catalogue: Catalogue, side: m.Side, *, everyone: bool = False) -> str:
    """Name the people a side is about, to complete "14 per cent of ...".

    Parameters
    ----------
    catalogue : Catalogue
    side : Side
        Its domain may be crossed, or the rest of one.
    everyone : bool, default False
        Say that it is the whole population, beside a part of it.

    Returns
    -------
    str
        "women aged 16 to 24 in the North East"; the population with the level in brackets where the catalogue has
        no phrase for the level.
    """
    figures = catalogue.style.figures
    population = catalogue.population(side.wave)
    if side.domain == "all":
        return figures.everyone.format(people=population.phrase) if everyone else population.phrase
    domain = side.domain.removeprefix(REST)
    if domain == side.domain:
        wordings = _levels(catalogue, domain, side.level)
        plain = figures.level_without_phrase.format(people=population.phrase, level=side.level)
    else:
        wordings = _rest(catalogue, domain, side.level)
        plain = f"{figures.other} {population.phrase}"
    if population.parts is None or any(w is None for _, w in wordings):
        return plain
    return _composed(population.parts, [(level, w) for level, w in wordings if w is not None]) or plain


def _levels(catalogue: Catalogue, domain: str, level: str) -> list[tuple[str, Wording | None]]:
    parts = zip(domain.split(CROSS), level.split(LEVEL_SEPARATOR), strict=True)
    return [(one, catalogue.domains[name].phrases.of(one)) for name, one in parts]


def _rest(catalogue: Catalogue, domain: str, level: str) -> list[tuple[str, Wording | None]]:
    """Say how everybody outside a level is named; a rest has no respondents of unknown level."""
    other = Wording(describe=catalogue.style.figures.other)
    if CROSS in domain:
        return [(level, other)]
    entry = catalogue.domains[domain]
    if entry.phrases.rest is not None:
        return [(level, entry.phrases.rest)]
    if len(entry.levels) == 2 and level in entry.levels:
        opposite = next(x for x in entry.levels if x != level)
        return [(opposite, entry.phrases.of(opposite))]
    return [(level, other)]


def _composed(people: People, wordings: list[tuple[str, Wording]]) -> str | None:
    """Put each wording in its place among the parts of a population; None when it speaks of a place there is not."""
    slots: dict[str, list[str]] = {"describe": [], "among": [], "living": [people.living] if people.living else []}
    own = {"people": people.people, "aged": people.aged, "place": people.place}
    for level, wording in wordings:
        ((slot, text),) = ((k, v) for k, v in wording if v)
        if "{place}" in text and people.place is None:
            return None
        said = text.format(level=level, place=people.place)
        if slot in own:
            own[slot] = said
        else:
            slots[slot].append(said)
    place = [f"in {own['place']}"] if own["place"] else []
    parts = [*slots["describe"], own["people"], own["aged"], *slots["among"], *slots["living"], *place]
    return " ".join(p for p in parts if p)


def when(catalogue: Catalogue, wave: str) -> str | None:
    """Name the time of a wave, to complete "in ..."; None when it is not known.

    The wave's own `when`; years such as 2019-20 where the interviews ran from one year into the next; otherwise the
    label of its fieldwork.
    """
    fieldwork = catalogue.waves[wave].fieldwork
    if fieldwork.when is not None:
        return None if fieldwork.when == "unknown" else fieldwork.when
    if fieldwork.start and fieldwork.end and fieldwork.end.year == fieldwork.start.year + 1:
        return f"{fieldwork.start.year}-{fieldwork.end.year % 100:02d}"
    return fieldwork.label
