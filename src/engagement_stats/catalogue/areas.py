"""Which lookups lead from a wave's place codes to its domains, and whether they fit together.

Belongs here: the routes through lookups, and checks of geographies, lookups and derived domains against each other.
Not here: the shape of an entry (model), the lookups' files (lookups), respondents' codes (places).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.problems import Problems

if TYPE_CHECKING:
    from engagement_stats.catalogue.whole import Catalogue


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a domain: the geography the wave has codes of, the lookups in turn, and all the lookups it needs."""

    domain: str
    geography: str
    through: tuple[str, ...]
    needed: tuple[str, ...]


def route(lookups: Mapping[str, m.Lookup], name: str, derived: m.Derivation, geography: str) -> Route | None:
    """Return the way from codes of a geography to a domain; None when the domain's lookups do not start from them."""
    keys = [lookups[x].geography for x in derived.through if x in lookups]
    if geography not in keys or len(keys) != len(derived.through):
        return None
    through = tuple(derived.through[keys.index(geography) :])
    needed = dict.fromkeys([*through, *([derived.listed.among] if derived.listed else [])])
    return Route(name, geography, through, tuple(needed))


def routes(c: "Catalogue", wave: m.MicrodataWave) -> dict[str, list[Route]]:
    """Return the ways to each domain a wave asks for and can be given by a place code, the longest first."""
    found: dict[str, list[Route]] = {}
    for name in dict.fromkeys(part for family in wave.domains for part in family.split("*")):
        derived = c.domains[name].derived if name in c.domains else None
        if derived is None:
            continue
        ways = [w for g in wave.places if (w := route(c.lookups, name, derived, g)) is not None]
        if ways:
            found[name] = sorted(ways, key=lambda way: -len(way.through))
    return found


def link(lookups: Mapping[str, m.Lookup], here: str, onward: str) -> str:
    """Name the value of one lookup that holds the codes the next one begins with."""
    wanted = lookups[onward].geography
    return next(k for k, v in lookups[here].values.items() if v.geography == wanted)


def column_of(entry: m.Lookup, geography: str) -> str | None:
    """Name the column of a lookup, its key or a value, that holds codes of a geography."""
    if entry.geography == geography:
        return geography
    return next((k for k, v in entry.values.items() if v.geography == geography), None)


def check(c: "Catalogue", problems: Problems) -> None:
    """Check that every reference of a lookup, a derived domain and a wave's places resolves, and that chains join."""
    for key, entry in c.lookups.items():
        where = f"lookups {key}"
        if entry.source not in c.sources:
            problems.add(where, f'source "{entry.source}" is not in the catalogue.')
        _known(c, problems, where, [x.geography for x in (entry.key, *entry.values.values()) if x.geography])
    for key, domain in c.domains.items():
        if domain.derived is not None:
            _check_derived(c, problems, f"domains {key}", domain, domain.derived)
    for key, wave in c.microdata_waves.items():
        _known(c, problems, f"waves/{key}.yaml places", list(wave.places))


def _known(c: "Catalogue", problems: Problems, where: str, geographies: Sequence[str]) -> None:
    for name in geographies:
        if name not in c.geographies:
            problems.add(where, f'geography "{name}" is not in the catalogue.')


def _check_derived(c: "Catalogue", problems: Problems, where: str, domain: m.Domain, derived: m.Derivation) -> None:
    named = [*derived.through, *([derived.listed.among] if derived.listed else [])]
    named += [derived.population] if derived.population else []
    if unknown := [x for x in dict.fromkeys(named) if x not in c.lookups]:
        for name in unknown:
            problems.add(where, f'lookup "{name}" is not in the catalogue.')
        return
    chain = [c.lookups[x] for x in derived.through]
    for here, entry, onward in zip(derived.through, chain, chain[1:], strict=False):
        fitting = [k for k, v in entry.values.items() if v.geography == onward.geography]
        if len(fitting) != 1:
            problems.add(where, f"lookup {here} has {len(fitting)} columns of {onward.geography}; the next needs one.")
    last = chain[-1]
    if derived.value is not None and derived.value not in last.values:
        problems.add(where, f'"{derived.value}" is not one of the values of lookup {derived.through[-1]}.')
    if derived.listed is not None and column_of(c.lookups[derived.listed.among], last.geography) is None:
        problems.add(where, f"lookup {derived.listed.among} (among) has no codes of {last.geography}.")
    if strange := [x for x in derived.spelled.values() if not domain.has(x)]:
        problems.add(where, f"spelled gives {strange}, not levels of the domain.")
    if derived.population is not None:
        people = c.lookups[derived.population]
        if people.geography != chain[0].geography or not people.counts:
            problems.add(where, f"lookup {derived.population} does not count people of {chain[0].geography}.")
