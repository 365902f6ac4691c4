"""Divide people by where they live: from the code of an area, through lookups, to the level of a domain.

Belongs here: following a domain's lookups strictly, a wave's derived domains, and the check of a list of areas.
Not here: reading lookups (lookups), which lookups lead where (catalogue.areas), what any code means (catalogue).

Codes of areas stay in the private store; only the levels made from them go further.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pandas as pd

from engagement_stats.catalogue import Catalogue, areas
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.errors import CleaningError, IngestError, UsageError, listed
from engagement_stats.lookups import Tables, mistaken

LEVEL = "level"
ALL = "all"
OUTSIDE: m.MissingReason = "not_applicable"
Answers: TypeAlias = tuple[pd.Series, pd.Series]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the lookups that have landed allow a wave.

    `used` are the lookups its derived domains rest on. `without` names the domains left out and, for each, the lookups
    to get. A wave's results follow from the content of those used, so they are part of its fingerprint.
    """

    used: tuple[str, ...] = ()
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def plan(catalogue: Catalogue, wave_id: str, landed: Iterable[str]) -> Plan:
    """Say which lookups a wave uses and which domains it goes without.

    Parameters
    ----------
    catalogue : Catalogue
    wave_id : str
        A microdata wave.
    landed : iterable of str
        The lookups that have landed.

    Returns
    -------
    Plan
        Empty for a wave whose entry names no place.
    """
    have = set(landed)
    used: dict[str, None] = {}
    without = {}
    wave = catalogue.microdata_waves[wave_id]
    for domain, ways in areas.routes(catalogue, wave).items():
        open_ways = [way for way in ways if have.issuperset(way.needed)]
        for way in open_ways:
            used |= dict.fromkeys(way.needed)
        if not open_ways and domain not in wave.variables:
            fewest = min(ways, key=lambda way: len(set(way.needed) - have))
            without[domain] = tuple(x for x in fewest.needed if x not in have)
    return Plan(tuple(sorted(used)), without)


@dataclass(frozen=True, slots=True)
class _Steps:
    """The steps along a route, and what their errors name and count."""

    where: str
    catalogue: Catalogue
    tables: Tables
    counted: str

    def joined(self, codes: pd.Series, name: str, value: str) -> pd.Series:
        """Map codes through one lookup; one that is in a country it covers must be in it."""
        entry = self.catalogue.lookups[name]
        codes = codes[codes.str[:1].isin(entry.countries)]
        known = self.tables[name].set_index(entry.geography)[value]
        self._refuse_absent(codes, known.index, name, entry.geography)
        return codes.map(known)

    def listed(self, codes: pd.Series, name: str, levels: m.Listed) -> pd.Series:
        """Say which codes are on a list; both must be of one set of areas, or none of another year would be on it."""
        entry = self.catalogue.lookups[name]
        column = areas.column_of(self.catalogue.lookups[levels.among], entry.geography)
        every = pd.Index(self.tables[levels.among][str(column)].unique())
        inside = self.tables[name][entry.geography]
        if strangers := int((~inside.isin(every)).sum()):
            raise CleaningError(
                f"{self.where}: {strangers:,} of the {len(inside):,} areas of lookup {name} are not in lookup "
                f"{levels.among}. The two are of different years; deposit the list and the lookup of the same year."
            )
        codes = codes[codes.str[:1].isin(entry.countries)]
        self._refuse_absent(codes, every, levels.among, entry.geography)
        return codes.isin(inside).map({True: levels.inside, False: levels.outside}).astype("str")

    def _refuse_absent(self, codes: pd.Series, known: pd.Index, name: str, geography: str) -> None:
        lost = codes[~codes.isin(known)]
        if lost.empty:
            return
        different = list(lost.unique())
        kinds = self.catalogue.geographies.items()
        like = [k for k, v in kinds if k != geography and all(v.holds(code) for code in different)]
        hint = f"; these may be {' or '.join(like)}" if like else ""
        raise CleaningError(
            f"{self.where}: {len(lost):,} {self.counted} have a {geography} code ({len(different):,} different) that "
            f"is not in lookup {name}{hint}. Deposit the lookup of the codes' own year, or declare codes that stand "
            "for no area under missing."
        )


def follow(
    where: str,
    codes: pd.Series,
    way: areas.Route,
    catalogue: Catalogue,
    tables: Tables,
    *,
    counted: str = "respondent(s)",
) -> pd.DataFrame:
    """Take codes of areas to the level of a domain, through every geography on the way.

    Parameters
    ----------
    where : str
        Named in errors.
    codes : Series of str
        Codes of `way.geography`; no missing codes among them.
    way : Route
    catalogue : Catalogue
    tables : mapping of str to DataFrame
        The lookups the way needs, as `lookups.read` returns them.
    counted : str, default "respondent(s)"
        What an error counts.

    Returns
    -------
    DataFrame, shape (n codes in the countries the lookups cover, geographies passed and "level")
        Index as that of `codes`; those of another country are not in it.

    Raises
    ------
    CleaningError
        A code is of another geography, or in none of the lookups: counts and kinds are named, no code is.
    """
    if wrong := mistaken(codes, way.geography, catalogue.geographies, "it", counted):
        raise CleaningError(f"{where}: {wrong[0]} Name the geography the codes are of, or declare them under missing.")
    domain = catalogue.domains[way.domain]
    assert domain.derived is not None
    steps = _Steps(where, catalogue, tables, counted)
    passed = {way.geography: codes}
    here, last = codes, way.through[-1]
    for name, onward in zip(way.through, way.through[1:], strict=False):
        here = steps.joined(here, name, areas.link(catalogue.lookups, name, onward))
        passed[catalogue.lookups[onward].geography] = here
    if domain.derived.listed is not None:
        level = steps.listed(here, last, domain.derived.listed)
    else:
        level = steps.joined(here, last, str(domain.derived.value)).replace(domain.derived.spelled)
    if strange := [x for x in level.unique() if not domain.has(x)]:
        raise CleaningError(
            f"{where}: lookup {last} gives {listed(strange)}, not levels of domain {way.domain}. Give each a level "
            "under derived.spelled of the domain."
        )
    return pd.DataFrame({k: v.loc[level.index] for k, v in passed.items()} | {LEVEL: level})


def domains_of(raw: pd.DataFrame, wave_id: str, catalogue: Catalogue, tables: Tables) -> dict[str, Answers]:
    """Make the domains of a wave that follow from the codes of areas in its file.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        As `ingest.read_wave` returns it.
    wave_id : str
        A microdata wave.
    catalogue : Catalogue
    tables : mapping of str to DataFrame
        The lookups that have landed. A domain for which one is wanting, or the column of the place is not in this
        edition of the file, is left out.

    Returns
    -------
    dict of str to tuple of Series
        Domain to levels (categories in the domain's order) and reasons for missingness. A respondent outside the
        countries the lookups cover has no level, "not_applicable".

    Raises
    ------
    CleaningError
        As `follow`; every problem of the wave at once.
    """
    wave = catalogue.microdata_waves[wave_id]
    made: dict[str, Answers] = {}
    problems: list[str] = []
    for domain, ways in areas.routes(catalogue, wave).items():
        way = next((w for w in ways if wave.places[w.geography].column in raw and set(w.needed) <= set(tables)), None)
        if way is None:
            continue
        place = wave.places[way.geography]
        where = f"{wave_id} {place.column} (waves/{wave_id}.yaml, place {way.geography})"
        codes = as_codes(raw[place.column])
        reasons = codes.map(dict(place.missing))
        try:
            found = follow(where, codes[reasons.isna()], way, catalogue, tables)
        except CleaningError as error:
            problems.append(str(error))
            continue
        order = _order(catalogue, way, tables)
        levels = pd.Series(pd.Categorical(found[LEVEL].reindex(raw.index), categories=order), index=raw.index)
        made[domain] = levels, reasons.mask(levels.isna() & reasons.isna(), OUTSIDE).astype("str")
    if problems:
        raise CleaningError("\n".join(dict.fromkeys(problems)))
    return made


def _order(catalogue: Catalogue, way: areas.Route, tables: Tables) -> list[str]:
    """Levels in the domain's order; those only the lookup knows by name."""
    domain = catalogue.domains[way.domain]
    if domain.levels or domain.derived is None:
        return list(domain.levels)
    found = tables[way.through[-1]][str(domain.derived.value)]
    return sorted(found.replace(domain.derived.spelled).unique())


def reconcile(where: str, domain: str, own: Answers, derived: Answers) -> None:
    """Refuse a domain that the file states in one way and the area of a respondent in another.

    The file's own column is what is used; where either has no answer the two cannot disagree.

    Examples
    --------
    >>> flag = pd.Series(["A", "B", None]), pd.Series([None, None, "refused"])
    >>> reconcile("poll lbn", "lbn", flag, (pd.Series(["A", "B", "B"]), pd.Series([None] * 3)))
    """
    mine, other = own[0].astype("str"), derived[0].astype("str")
    differ = int((own[0].notna() & derived[0].notna() & (mine != other)).sum())
    if differ:
        raise CleaningError(
            f"{where}: {differ:,} respondent(s) have another {domain} by this column than by the area they live in. "
            "One of the two is wrong: correct the codes of the column, or the place and lookups, or remove one."
        )


def profile(catalogue: Catalogue, tables: Tables, domain: str, by: str | None = None) -> pd.DataFrame:
    """Count the areas and people of each level of a domain, by the lookups alone.

    The check of a list of areas before anything is estimated by it: are these the areas meant, and all of them?

    Parameters
    ----------
    catalogue : Catalogue
    tables : mapping of str to DataFrame
        Lookups that have landed, as `lookups.read_landed` returns them.
    domain : str
        A domain derived from the code of an area, whose entry names a lookup that counts people.
    by : str, optional
        Another such domain to divide each level by.

    Returns
    -------
    DataFrame, shape (n levels + 1, columns)
        `level` and, when asked for, `by`; the number of areas of each geography; the counts of people; `share`, the
        share of the first count in the total. Levels with no area are left out. The first row, "all", is the total.

    Raises
    ------
    UsageError
        The domain is not such a domain.
    IngestError
        A lookup it needs has not landed.
    CleaningError
        The lookups do not fit together.

    Notes
    -----
    Source: the lookups named in the catalogue; an area that straddles two is counted as their best fit counts it.
    Verified: 225 wards, 1,468 small areas and 2,386,368 people (4.24 per cent of England's 56,286,961) for the
    "left behind" neighbourhoods, and their wards by region, tests/test_places.py.
    """
    people, table = _counted(catalogue, tables, domain)
    start = people.geography
    frame = _trail(catalogue, tables, domain, table[start]).join(table[list(people.counts)])
    groups = [LEVEL]
    if by is not None:
        frame["by"] = _trail(catalogue, tables, by, table[start])[LEVEL]
        groups.append("by")
        frame = frame.dropna(subset=["by"])
    geographies = [c for c in frame.columns if c not in (*groups, *people.counts)]
    how = dict.fromkeys(geographies, "nunique") | dict.fromkeys(people.counts, "sum")
    total = frame.agg(how).to_frame().T.assign(**dict.fromkeys(groups, ALL))
    parts = frame.groupby(groups, observed=True, sort=True).agg(how).reset_index()
    result = pd.concat([total, parts], ignore_index=True)[[*groups, *how]]
    result = result.astype(dict.fromkeys(how, "int64"))
    first = next(iter(people.counts))
    return result.assign(share=result[first] / result[first].iloc[0])


def _counted(catalogue: Catalogue, tables: Tables, domain: str) -> tuple[m.Lookup, pd.DataFrame]:
    derived = catalogue.domains[domain].derived if domain in catalogue.domains else None
    if derived is None or derived.population is None:
        able = [k for k, v in catalogue.domains.items() if v.derived is not None and v.derived.population is not None]
        raise UsageError(f"places: {domain} is not a domain with areas to count. Expected one of {listed(able)}.")
    return catalogue.lookups[derived.population], _wanted(tables, derived.population)


def _wanted(tables: Tables, name: str) -> pd.DataFrame:
    if name not in tables:
        raise IngestError(f"places: lookup {name} has not landed. `engagement-stats places` says which file to get.")
    return tables[name]


def _trail(catalogue: Catalogue, tables: Tables, domain: str, codes: pd.Series) -> pd.DataFrame:
    """Follow every area to its level of a domain, levels in the domain's order."""
    derived = catalogue.domains[domain].derived if domain in catalogue.domains else None
    way = None if derived is None else areas.route(catalogue.lookups, domain, derived, str(codes.name))
    if way is None:
        raise UsageError(f"places: {domain} is not a domain derived from codes of {codes.name}.")
    for name in way.needed:
        _wanted(tables, name)
    found = follow(f"places {domain}", codes, way, catalogue, tables, counted="area(s)")
    return found.assign(level=pd.Categorical(found[LEVEL], categories=_order(catalogue, way, tables)))


def wanting(without: Mapping[str, Sequence[str]], catalogue: Catalogue) -> str:
    """Word which domains a wave goes without and which files to get for them; empty when there are none.

    Examples
    --------
    >>> from engagement_stats import catalogue
    >>> wanting({"imd_decile": ["imd2019_lsoa11"]}, catalogue.load())
    'without imd_decile: get imd2019_england_lsoa11_rank_decile.csv'
    """
    if not without:
        return ""
    files = dict.fromkeys(catalogue.lookups[x].file.pattern[0] for missing in without.values() for x in missing)
    return f"without {listed(list(without))}: get {listed(list(files))}"
