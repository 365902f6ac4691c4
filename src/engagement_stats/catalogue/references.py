"""Whether what one entry says of another holds: that it is there, and that the two go together.

Belongs here: checks that need more than one entry. Not here: checks of one entry alone (model), lookups of areas
(areas), what a wave expects of its file (screening).
"""

import difflib
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from engagement_stats import lexicon as phrases
from engagement_stats.catalogue import areas, screening, vintages
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.files import wave_file
from engagement_stats.catalogue.problems import Problems
from engagement_stats.catalogue.whole import CROSS, LEVEL_SEPARATOR, WITHIN_A_WAVE, Catalogue
from engagement_stats.errors import CatalogueError, listed


def _unknown(problems: Problems, where: str, what: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = set(known)
    for name in names:
        # What is wrong with an entry that is there was said where it stands.
        if name not in known | problems.unread:
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
            problems.add(where, f'{what} "{name}" is not in the catalogue.{f" Is it {near[0]}?" if near else ""}')


def _check_level(c: Catalogue, problems: Problems, where: str, domain: str, level: str) -> None:
    """Check that a domain (crossed with * or not) exists and a level of it is one of its levels."""
    parts = domain.split(CROSS)
    if domain == "all" or level == "all":
        if (domain == "all") != (level == "all"):
            problems.add(where, f'domain "{domain}" does not go with level "{level}".')
        return
    levels = level.split(LEVEL_SEPARATOR)
    if any(p not in c.domains for p in parts):
        _unknown(problems, where, "domain", parts, c.domains)
    elif len(levels) != len(parts):
        problems.add(where, f'level "{level}" does not have {len(parts)} parts, as domain "{domain}" does.')
    else:
        for part, one in zip(parts, levels, strict=True):
            if not c.domains[part].has(one):
                problems.add(where, f'level "{one}" is not one of domain "{part}".')


def _check_variable(c: Catalogue, problems: Problems, where: str, name: str, variable: m.Variable) -> list[str] | None:
    """Check a variable's references; return its categories, None for a number or categories not known here."""
    if variable.codes == m.FROM_LABELS:
        if name in c.domains and not c.domains[name].from_labels:
            problems.add(where, f"variable {name} takes its categories from labels, and domain {name} does not.")
        return None
    if isinstance(variable.codes, str) and variable.codes not in c.codelists:
        problems.add(where, f'code list "{variable.codes}" of variable {name} is not in the catalogue.')
        return None
    if variable.numeric is not None:
        return None
    code_list = c.codes(variable)
    categories = list(dict.fromkeys(code_list.codes.values() if code_list else (variable.bands or {})))
    if name in c.domains:
        strange = [x for x in categories if not c.domains[name].has(x)]
        if strange:
            problems.add(where, f"variable {name} gives {strange}, not levels of domain {name}.")
    return categories


def _check_made(c: Catalogue, problems: Problems, where: str, wave: m.MicrodataWave) -> None:
    """Check that a weight we make has margins of the wave's own population, over variables the wave has."""
    population = wave.population or (c.surveys[wave.survey].population if wave.survey in c.surveys else None)
    for name, made in wave.design.made.items():
        place = f"{where} design.made.{name}"
        _unknown(problems, place, "margins", [made.margins], c.margins)
        for variable in made.variables:
            _unknown(problems, place, "variable", variable.split(CROSS), wave.variables)
        if made.margins in c.margins and population is not None:
            known = c.margins[made.margins].population
            if (known.geography, known.age_from) != (population.geography, population.age_from):
                problems.add(
                    place,
                    f'margins "{made.margins}" are of {known.geography} aged {known.age_from}, the wave speaks for '
                    f"{population.geography} aged {population.age_from}. Take margins of the same population.",
                )


def _check_crossed(problems: Problems, where: str, domains: Sequence[str]) -> None:
    """Check that two crossed domains meet in a domain of the wave: what both add up to must be among its numbers.

    Otherwise nobody could say whether one of them gives away what is withheld of the other.
    """
    parts = {d: frozenset(d.split(CROSS)) for d in domains}
    for one, other in itertools.combinations(parts, 2):
        shared = parts[one] & parts[other]
        if parts[one] == parts[other]:
            problems.add(where, f"domains {one} and {other} are the same in another order. Leave one out.")
        elif shared and shared not in parts.values():
            missing = CROSS.join(p for p in one.split(CROSS) if p in shared)
            problems.add(where, f"domains {one} and {other} share {missing}, which is not a domain. Add {missing}.")


def _check_microdata(c: Catalogue, problems: Problems, where: str, wave: m.MicrodataWave) -> None:
    _check_made(c, problems, where, wave)
    screening.check(wave, problems, where)
    categories = {k: _check_variable(c, problems, where, k, v) for k, v in wave.variables.items()}
    derivable = areas.routes(c, wave)
    for family in wave.domains:
        for part in family.split(CROSS):
            _unknown(problems, where, "domain", [part], c.domains)
            _unknown(problems, where, f"variable or place (for domain {family})", [part], [*wave.variables, *derivable])
    _check_crossed(problems, where, wave.domains)
    _unknown(problems, where, "published_as wave", wave.published_as, c.tables_waves)
    for name, rule in wave.indicators.items():
        place = f"{where} indicator {name}"
        _unknown(problems, place, "indicator", [name], c.indicators)
        _unknown(problems, place, "question", [rule.question], c.questions)
        _unknown(problems, place, "variable", rule.variables, wave.variables)
        _unknown(problems, place, "variable (none_of)", [rule.none_of] if rule.none_of else [], wave.variables)
        _unknown(problems, place, "weight", [rule.weight], {**wave.design.weights, **wave.design.made})
        statistic = c.indicators[name].statistic if name in c.indicators else None
        if statistic == "mean" and rule.counts:
            problems.add(place, "is a mean, so counts does not apply.")
        if statistic == "proportion" and not rule.counts:
            problems.add(place, "is a proportion, so counts must name the categories that count.")
        for variable in rule.variables:
            have = categories.get(variable)
            if have is not None:
                _unknown(problems, place, f"category of {variable}", rule.counts, have)
            numeric = variable in wave.variables and wave.variables[variable].numeric is not None
            if statistic == "mean" and have is not None:
                problems.add(place, f"is a mean, so variable {variable} must be numeric.")
            if statistic == "proportion" and numeric:
                problems.add(place, f"is a proportion, so variable {variable} needs codes or bands, not numeric.")


def _check_wave(c: Catalogue, problems: Problems, where: str, wave: m.MicrodataWave | m.TablesWave) -> None:
    _unknown(problems, where, "survey", [wave.survey], c.surveys)
    _unknown(problems, where, "source", [wave.source], c.sources)
    if wave.series is not None and wave.survey in c.surveys:
        _unknown(problems, where, "series", [wave.series], c.surveys[wave.survey].series)
    if isinstance(wave, m.MicrodataWave):
        _check_microdata(c, problems, where, wave)
    else:
        if wave.figures is not None and not (c.folder / "figures" / wave.figures).is_file():
            problems.add(where, f'figures file "{wave.figures}" does not exist in figures/.')
        _unknown(problems, where, "indicator", wave.questions, c.indicators)
        _unknown(problems, where, "question", wave.questions.values(), c.questions)
        _check_workbook(c, problems, where, wave)


def _check_workbook(c: Catalogue, problems: Problems, where: str, wave: m.TablesWave) -> None:
    """Check that the tables of a workbook give levels that there are, and each figure once."""
    for name, layout in wave.layouts.items():
        place = f"{where} workbook.layouts.{name}"
        for domain, described in layout.domains.items():
            known = domain in c.domains and c.domains[domain].levels
            if isinstance(described, str) and domain != "all" and not known:
                problems.add(place, f'domain "{domain}" has no levels of its own for a pattern to name. List them.')
                continue
            for level in [*c.level_words(layout, domain), *layout.without.get(domain, [])]:
                _check_level(c, problems, place, domain, level)
    keys = Counter(c.described_figures(wave))
    twice = [key for key, times in keys.items() if times > 1]
    if twice:
        named = [" ".join(key) for key in twice]
        problems.add(f"{where} workbook.tables", f"two tables give {listed(named)}. Take it from one of them.")


def _check_waves(c: Catalogue, problems: Problems) -> None:
    found: dict[str, list[str]] = {}
    for key, wave in c.waves.items():
        of_wave = Problems()
        _check_wave(c, of_wave, "", wave)
        found[key] = of_wave.lines
    for key, lines in found.items():
        base = c.resolved[key].base if key in c.resolved else None
        # What is wrong in the base too is told there.
        for line in lines:
            if line not in found.get(base or "", []):
                problems.lines.append(wave_file(key, base) + line)
    for key, survey in c.surveys.items():
        for name, series in survey.series.items():
            _unknown(problems, f"surveys {key} series {name}", "wave", [b.wave for b in series.breaks], c.waves)


def _check_figures(c: Catalogue, problems: Problems) -> None:
    for figure, problem in vintages.conflicts(c.figures):
        problems.add(f"figures {figure.wave} {figure.indicator} {figure.level}", f"this figure {problem}")
    for figure in c.figures:
        where = f"figures {figure.wave} {figure.indicator} {figure.level}"
        _unknown(problems, where, "tables wave", [figure.wave], c.tables_waves)
        _check_level(c, problems, where, figure.domain, figure.level)
        if figure.wave in c.tables_waves:
            _unknown(problems, where, "indicator (in the wave's questions)", [figure.indicator],
                     c.tables_waves[figure.wave].questions)  # fmt: skip
    for b in c.benchmarks:
        where = f"benchmarks {b.wave} {b.indicator} {b.level}"
        _unknown(problems, where, "microdata wave", [b.wave], c.microdata_waves)
        _check_level(c, problems, where, b.domain, b.level)
        if b.wave in c.microdata_waves:
            _unknown(
                problems,
                where,
                "indicator (of the wave)",
                [b.indicator],
                c.microdata_waves[b.wave].indicators,
            )


def _check_margins(c: Catalogue, problems: Problems) -> None:
    """Check that the counts of each population cross whole sets of levels and sum to its total."""
    _unknown(problems, "margins", "margins", dict.fromkeys(r.margins for r in c.margin_rows), c.margins)
    for key, entry in c.margins.items():
        where = f"margins {key}"
        _unknown(problems, where, "source", entry.sources, c.sources)
        rows = [r for r in c.margin_rows if r.margins == key]
        names = list(dict.fromkeys(r.variable for r in rows))
        if len(names) != 1:
            problems.add(where, f"has rows of {len(names)} variables; expected one, which crosses all there are.")
            continue
        before = len(problems.lines)
        for row in rows:
            _check_level(c, problems, where, row.variable, row.category)
        if len(problems.lines) > before:
            continue
        levels = [tuple(r.category.split(LEVEL_SEPARATOR)) for r in rows]
        expected = math.prod(len(set(part)) for part in zip(*levels, strict=True))
        if len(set(levels)) != len(levels):
            problems.add(where, "gives a category more than once.")
        elif len(levels) != expected:
            problems.add(where, f"has {len(levels)} categories; the crossing of its levels has {expected}.")
        total = sum(r.population for r in rows)
        allowed = 0 if entry.rounding == 1 else len(rows) * entry.rounding / 2
        if abs(total - entry.total) > allowed:
            problems.add(where, f"rows sum to {total:,}, but total is {entry.total:,}. Rounding allows {allowed:g}.")


def _check_side(c: Catalogue, problems: Problems, where: str, side: m.Side) -> None:
    _unknown(problems, where, "wave", [side.wave], c.waves)
    _check_level(c, problems, where, side.domain, side.level)
    if side.wave not in c.waves:
        return
    wave = c.waves[side.wave]
    if isinstance(wave, m.TablesWave):
        known = {f.key[1:] for f in c.wave_vintages(side.wave)} | {*c.described_figures(wave)}
        if (side.indicator, side.domain, side.level) not in known:
            problems.add(where, f"{side.wave} has no published figure {side.indicator}, {side.domain}, {side.level}.")
    else:
        _unknown(problems, where, f"indicator of {side.wave}", [side.indicator], wave.indicators)
        if side.domain != "all":
            _unknown(problems, where, f"domain of {side.wave}", [side.domain], wave.domains)


def _check_one_sample(c: Catalogue, problems: Problems, where: str, pair: m.PairComparison) -> None:
    """Refuse two sides of one wave whose covariance cannot be known: other weights, or a proportion and a mean."""
    wave = c.microdata_waves.get(pair.left.wave)
    sides = (pair.left.indicator, pair.right.indicator)
    if wave is None or pair.left.wave != pair.right.wave or any(s not in wave.indicators for s in sides):
        return
    if len({wave.indicators[s].weight for s in sides}) > 1:
        problems.add(
            where, "the two sides are of one wave and use different weights. Compare indicators of one weight."
        )
    if len({c.indicators[s].statistic for s in sides if s in c.indicators}) > 1:
        problems.add(where, "the two sides are of one wave, one a proportion and one a mean. Compare like with like.")


def _check_comparisons(c: Catalogue, problems: Problems) -> None:
    for key, comparison in c.comparisons.items():
        where = f"comparisons {key}"
        if isinstance(comparison, m.PairComparison):
            _check_side(c, problems, f"{where} left", comparison.left)
            _check_side(c, problems, f"{where} right", comparison.right)
            _check_one_sample(c, problems, where, comparison)
        elif isinstance(comparison, m.SeriesComparison):
            _unknown(
                problems,
                where,
                "series",
                [comparison.series],
                {s for v in c.surveys.values() for s in v.series},
            )
            _unknown(problems, where, "indicator", comparison.indicators, c.indicators)
        elif isinstance(comparison, m.ThresholdComparison):
            _check_side(c, problems, where, comparison.estimate)
        else:
            _unknown(problems, where, "microdata wave", [comparison.wave], c.microdata_waves)
            if comparison.wave in c.microdata_waves:
                wave = c.microdata_waves[comparison.wave]
                _unknown(problems, where, "indicator of the wave", comparison.indicators, wave.indicators)
                beside = [comparison.against] if comparison.against not in WITHIN_A_WAVE else []
                _unknown(problems, where, "domain of the wave", [comparison.domain, *beside], wave.domains)
            for level in comparison.levels:
                _check_level(c, problems, where, comparison.domain, level)


def _check_words(c: Catalogue, problems: Problems) -> None:
    """Check that phrases are of levels there are, and that every axis has a name."""
    for key, domain in c.domains.items():
        if domain.levels:
            _unknown(problems, f"domains {key} phrases", "level", domain.phrases.levels, domain.levels)
    if c.style is not None:
        _unknown(problems, "style.yaml axes", "axis", get_args(m.Axis), c.style.axes)


def _check_uses(c: Catalogue, problems: Problems) -> None:
    for key, claim in c.claims.items():
        where = f"claims {key}"
        if claim.comparison is not None:
            _unknown(problems, where, "comparison", [claim.comparison],
                     [k for k, v in c.comparisons.items() if isinstance(v, m.PairComparison)])  # fmt: skip
        if claim.estimate is not None:
            _check_side(c, problems, where, claim.estimate)
            if claim.stated.quantity == "rank" and not any(
                (x.wave, x.domain) == (claim.estimate.wave, claim.estimate.domain)
                and claim.estimate.indicator in x.indicators
                for x in c.leagues.values()
            ):
                problems.add(where, "speaks of a rank that no entry of leagues/ makes. Add one.")
        if c.lexicon is not None and claim.stated.convention is None:
            try:
                phrases.read(claim.stated.words, c.lexicon, claim.stated.quantity)
            except CatalogueError as error:
                problems.add(where, str(error))
    for key, league in c.leagues.items():
        _check_side(c, problems, f"leagues {key}", m.Side(wave=league.wave, indicator=league.indicators[0]))
        _unknown(problems, f"leagues {key}", "indicator", league.indicators, c.indicators)
        _unknown(problems, f"leagues {key}", "domain", league.domain.split(CROSS), c.domains)
    for key, headline in c.headlines.items():
        where = f"headlines {key}"
        _unknown(problems, where, "indicator", [headline.indicator], c.indicators)
        _unknown(problems, where, "wave", headline.waves, c.waves)
        _check_level(c, problems, where, headline.domain, headline.level)
        if headline.series is not None:
            _unknown(
                problems,
                where,
                "series",
                [headline.series],
                {s for v in c.surveys.values() for s in v.series},
            )


def _check_reading(c: Catalogue, problems: Problems) -> None:
    where = "reading.yaml"
    _unknown(problems, where, "survey", c.reading.surveys, c.surveys)
    _unknown(problems, where, "series", c.reading.series, {s for v in c.surveys.values() for s in v.series})
    spoken_for = [s.population for s in c.surveys.values()] + [w.population for w in c.waves.values() if w.population]
    named = [*c.reading.populations, *c.reading.unsaid]
    _unknown(problems, where, "geography", named, {p.geography for p in spoken_for})
    _unknown(problems, where, "domain", c.reading.levels, c.domains)
    for domain, levels in c.reading.levels.items():
        if domain in c.domains:
            _unknown(problems, where, f"level of {domain}", levels, c.domains[domain].levels)


def check(c: Catalogue, problems: Problems) -> None:
    """Check every reference between entries."""
    for kind in (
        _check_waves, _check_figures, _check_margins, _check_comparisons, _check_uses, _check_words, _check_reading,
        areas.check,
    ):  # fmt: skip
        kind(c, problems)
