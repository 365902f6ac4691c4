"""Read a catalogue folder, resolve every reference, and report all that is wrong at once.

Belongs here: which files make a catalogue, checks that need more than one entry, and digests of entries.
Not here: the shape of an entry (model), YAML itself (strictyaml), and any use of the entries (the stages).
"""

import csv
import difflib
import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from engagement_stats import lexicon as phrases
from engagement_stats.catalogue import areas, inherit, screening, strictyaml, vintages, words, workbooks
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.entry import ASK
from engagement_stats.catalogue.reading import Reading
from engagement_stats.catalogue.style import Style
from engagement_stats.errors import CatalogueError, listed

DEFAULT = Path(__file__).parent / "data"
CROSS = inherit.CROSS
LEVEL_SEPARATOR = " | "
# What the levels of a domain may be compared with besides the levels of a domain that holds them.
WITHIN_A_WAVE = ("total", "rest", "each_other")

E = TypeVar("E")
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True)
class Catalogue:
    """A valid catalogue: every reference in it resolves. Mappings are from id to entry, in file order."""

    folder: Path
    sources: Mapping[str, m.Source]
    surveys: Mapping[str, m.Survey]
    codelists: Mapping[str, m.CodeList]
    questions: Mapping[str, m.Question]
    indicators: Mapping[str, m.Indicator]
    domains: Mapping[str, m.Domain]
    waves: Mapping[str, m.MicrodataWave | m.TablesWave]
    comparisons: Mapping[str, m.Comparison]
    claims: Mapping[str, m.Claim]
    headlines: Mapping[str, m.Headline]
    leagues: Mapping[str, m.League]
    rules: m.Rules
    lexicon: words.Lexicon
    style: Style
    figures: tuple[m.Figure, ...] = field(default=())
    benchmarks: tuple[m.Benchmark, ...] = field(default=())
    margins: Mapping[str, m.PopulationMargins] = field(default_factory=dict)
    margin_rows: tuple[m.MarginRow, ...] = field(default=())
    reading: Reading = field(default_factory=Reading)
    geographies: Mapping[str, m.Geography] = field(default_factory=dict)
    lookups: Mapping[str, m.Lookup] = field(default_factory=dict)
    resolved: Mapping[str, inherit.Resolved] = field(default_factory=dict)
    files: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def microdata_waves(self) -> dict[str, m.MicrodataWave]:
        """The waves read from files of respondents."""
        return {k: w for k, w in self.waves.items() if isinstance(w, m.MicrodataWave)}

    @cached_property
    def filed_waves(self) -> dict[str, m.MicrodataWave | m.TablesWave]:
        """The waves that read a file: respondents, or a published workbook."""
        return {k: w for k, w in self.waves.items() if w.file is not None}

    @cached_property
    def tables_waves(self) -> dict[str, m.TablesWave]:
        """The waves of which only published figures are held."""
        return {k: w for k, w in self.waves.items() if isinstance(w, m.TablesWave)}

    def codes(self, variable: m.Variable) -> m.CodeList | None:
        """Return the code list of a variable, with the variable's own missing codes added."""
        if variable.codes is None:
            return None
        if variable.codes == m.FROM_LABELS:
            # Without the file nothing is a category; `labelled.filled` puts its labels here.
            return m.CodeList.model_construct(codes={}, missing=dict(variable.missing))
        if isinstance(variable.codes, str):
            shared = self.codelists[variable.codes]
            missing = {**shared.missing, **variable.missing}
            return m.CodeList(codes=shared.codes, missing=missing, evidence=shared.evidence)
        return m.CodeList(codes=variable.codes, missing=variable.missing)

    def line(self, wave: str, section: str, name: str) -> str:
        """Say where a line of a wave's entry stands, for a message: its file, and the file it takes the line from."""
        place = f"waves/{wave}.yaml, {section.removesuffix('s')} {name}"
        origin = self.resolved[wave].origins.get(f"{section}.{name}") if wave in self.resolved else None
        return place if origin is None else f"{place}, taken from waves/{origin}.yaml"

    def codes_at(self, wave: str, variable: str) -> str:
        """Say where the codes of a wave's variable stand, for a message."""
        place, codes = self.line(wave, "variables", variable), self.microdata_waves[wave].variables[variable].codes
        if not isinstance(codes, str) or ("codelists", codes) not in self.files:
            return place
        return f"{place}; codes in {self.file_of('codelists', codes)}, {codes}"

    def file_of(self, kind: str, key: str) -> str:
        """Say which file holds an entry, for a message: "codelists/cls_microdata.yaml"."""
        return f"{kind}/{self.files.get((kind, key), '')}"

    def definition(self, domain: str) -> str:
        """Return how a domain is made, with what the lookups it follows from do not do exactly."""
        entry = self.domains[domain]
        through = entry.derived.through if entry.derived else []
        said = [f"From the code of an area: {x}" for k in through if (x := self.lookups[k].best_fit)]
        return " ".join([entry.definition, *said])

    def wave_figures(self, wave: str) -> list[m.Figure]:
        """Return the published figures of a tables wave that stand, those of its workbook not among them."""
        return vintages.newest(self.wave_vintages(wave))

    def wave_vintages(self, wave: str) -> list[m.Figure]:
        """Return all published figures of a tables wave, those that later ones replaced among them."""
        return [f for f in self.figures if f.wave == wave]

    def level_words(self, layout: workbooks.Layout, domain: str) -> dict[str, list[str]]:
        """Return the words a layout of a workbook has for each level of a domain."""
        return workbooks.words(layout, domain, self.domains[domain].levels if domain in self.domains else ())

    def described_figures(self, wave: m.TablesWave) -> list[tuple[str, str, str]]:
        """Return indicator, domain and level of every figure that a wave's workbook is said to hold."""
        if wave.workbook is None:
            return []
        return [
            (table.indicator, domain, level)
            for table in wave.workbook.tables
            for layout in [wave.workbook.layouts[table.layout]]
            for domain in layout.domains
            for level in self.level_words(layout, domain)
        ]

    def series_waves(self, survey: str, series: str) -> list[str]:
        """Return the waves of a series, oldest first; one with microdata follows the published one of its time."""
        members = [(k, w) for k, w in self.waves.items() if w.survey == survey and w.series == series]

        def when(member: tuple[str, m.MicrodataWave | m.TablesWave]) -> tuple[int, date, bool]:
            _, wave = member
            return wave.fieldwork.year, wave.fieldwork.start or date.min, wave.kind == "microdata"

        return [k for k, _ in sorted(members, key=when)]

    def population(self, wave: str) -> m.Population:
        """Whom a wave speaks for: its own population, or its survey's."""
        entry = self.waves[wave]
        return entry.population or self.surveys[entry.survey].population

    def sampling(self, wave: str) -> str:
        """How a wave was sampled: its own word, or its survey's."""
        entry = self.waves[wave]
        return entry.sampling or self.surveys[entry.survey].sampling

    def question_of(self, wave: str, indicator: str) -> m.Question | None:
        """Return the question behind an indicator in a wave; None when the wave does not carry it."""
        entry = self.waves[wave]
        if isinstance(entry, m.TablesWave):
            question = entry.questions.get(indicator)
        else:
            question = entry.indicators[indicator].question if indicator in entry.indicators else None
        return self.questions[question] if question else None

    def wave_digest(self, wave: str) -> str:
        """Digest everything in the catalogue on which a wave's estimates depend, and nothing else."""
        entry = self.waves[wave]
        parts: list[Any] = [wave, _plain(entry)]
        if isinstance(entry, m.MicrodataWave):
            lists = sorted({v.codes for v in entry.variables.values() if isinstance(v.codes, str)} - {m.FROM_LABELS})
            parts += [[k, _plain(self.codelists[k])] for k in lists]
            used = sorted({d for family in entry.domains for d in family.split(CROSS)})
            parts += [[k, list(self.domains[k].levels)] for k in used]
            parts += self._derivations(entry)
            parts += [[k, self.indicators[k].statistic] for k in sorted(entry.indicators)]
            parts.append([_plain(c) for c in self.comparisons.values() if _is_within(c, wave)])
            parts.append([_plain(b) for b in self.benchmarks if b.wave == wave])
            margins = sorted({x.margins for x in entry.design.made.values()})
            parts.append([_plain(r) for r in self.margin_rows if r.margins in margins])
            parts.append([_plain(f) for w in entry.published_as for f in self.wave_figures(w)])
            parts.append(_plain(self.rules.codebook))
        else:
            parts.append([_plain(f) for f in self.wave_vintages(wave)])
            described = dict.fromkeys(d for x in _layouts(entry).values() for d in x.domains)
            parts += [[k, list(self.domains[k].levels)] for k in described if k in self.domains]
        parts.append(_plain(self.rules.disclosure))
        return digest(parts)

    def _derivations(self, entry: m.MicrodataWave) -> list[Any]:
        """Say how a wave's place codes become domains; nothing for a wave that has none."""
        ways = areas.routes(self, entry)
        lookups = sorted({x for some in ways.values() for way in some for x in way.needed})
        derived = [(k, self.domains[k].derived) for k in sorted(ways)]
        return [
            *([k, _plain(d)] for k, d in derived if d is not None),
            *([k, _plain(self.lookups[k])] for k in lookups),
            *([k, _plain(self.geographies[k])] for k in sorted(self.geographies) if lookups),
        ]

    @cached_property
    def digest(self) -> str:
        """Digest of the whole catalogue."""
        kinds = [
            self.sources, self.surveys, self.codelists, self.questions, self.indicators, self.domains,
            self.waves, self.comparisons, self.claims, self.headlines, self.leagues, self.geographies, self.lookups,
        ]  # fmt: skip
        parts: list[Any] = [{k: _plain(v) for k, v in kind.items()} for kind in kinds]
        parts += [_plain(self.rules), _plain(self.lexicon), _plain(self.style)]
        parts += [[_plain(f) for f in self.figures], [_plain(b) for b in self.benchmarks]]
        parts += [{k: _plain(v) for k, v in self.margins.items()}, [_plain(r) for r in self.margin_rows]]
        return digest(parts)


def _is_within(comparison: object, wave: str) -> bool:
    """Say whether a comparison needs covariances inside this wave."""
    if isinstance(comparison, m.LevelsComparison):
        return comparison.wave == wave
    if isinstance(comparison, m.PairComparison):
        return comparison.left.wave == wave and comparison.right.wave == wave
    return False


def _plain(entry: BaseModel) -> Any:
    return entry.model_dump(mode="json")


def digest(content: object) -> str:
    """SHA-256 of a JSON-like value, the same for equal values whatever the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class _Problems:
    """Everything found wrong so far, a line each, and the ids of the entries that could not be read."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.unread: set[str] = set()

    def add(self, where: str, problem: str) -> None:
        self.lines.append(f"{where}: {problem}")

    def add_validation(
        self, where: str, error: ValidationError, told: Callable[[Sequence[int | str]], bool] = lambda loc: True
    ) -> None:
        for item in error.errors(include_url=False):
            if not told(item["loc"]):
                continue
            place = ".".join(str(p) for p in item["loc"])
            got, said = item.get("input"), item["msg"].removeprefix("Value error, ")
            shown = f" Got {got!r}." if isinstance(got, str | int | float | bool) else ""
            self.add(where, f"{place}: {said}.{shown}" if place else f"{said}.{shown}")


def _read_folder(
    folder: Path, kind: str, adapter: TypeAdapter[E], problems: _Problems, files: dict[tuple[str, str], str]
) -> dict[str, E]:
    """Read every YAML file of one kind: a mapping of ids to entries; note in `files` which file holds each."""
    entries: dict[str, E] = {}
    for path in sorted((folder / kind).glob("*.yaml")):
        try:
            content = strictyaml.read(path)
        except CatalogueError as error:
            problems.lines.append(f"{kind}/{error}")
            continue
        for key, raw in content.items():
            where = f"{kind}/{path.name} {key}"
            if not m.IDENTIFIER.match(key):
                problems.add(where, "an id is lower-case letters, digits and underscores, at most 63 long.")
            if key in entries:
                problems.add(where, "this id is used by another file too. Ids are unique within a kind.")
            files[kind, key] = path.name
            try:
                entries[key] = adapter.validate_python(raw)
            except ValidationError as error:
                problems.unread.add(key)
                problems.add_validation(where, error)
    return entries


def _read_file(path: Path, entry: type[B], problems: _Problems) -> B | None:
    """Read a file that holds one entry, such as rules.yaml."""
    try:
        return entry.model_validate(strictyaml.read(path))
    except CatalogueError as error:
        problems.lines.append(str(error))
    except OSError:
        problems.add(path.name, "the file is missing.")
    except ValidationError as error:
        problems.add_validation(path.name, error)
    return None


def _words(folder: Path, name: str) -> Path:
    """Take how things are said from the package where a catalogue of surveys does not say it."""
    return folder / name if (folder / name).exists() else DEFAULT / name


Waves = dict[str, m.MicrodataWave | m.TablesWave]


def _read_waves(folder: Path, problems: _Problems) -> tuple[Waves, dict[str, inherit.Resolved]]:
    """Read the wave files: one wave a file, named by its id, perhaps based on another."""
    contents: dict[str, dict[str, Any]] = {}
    for path in sorted((folder / "waves").glob("*.yaml")):
        if not m.IDENTIFIER.match(path.stem):
            problems.add(
                f"waves/{path.name}", "the file's name is the wave's id: lower-case letters, digits and underscores."
            )
        try:
            contents[path.stem] = strictyaml.read(path)
        except CatalogueError as error:
            problems.unread.add(path.stem)
            problems.lines.append(f"waves/{error}")
    resolved = inherit.resolve(contents, problems.add)
    problems.unread |= set(contents) - set(resolved)
    adapter: TypeAdapter[m.MicrodataWave | m.TablesWave] = TypeAdapter(m.Wave)
    waves: Waves = {}
    for wave, whole in resolved.items():
        try:
            waves[wave] = adapter.validate_python(whole.content)
        except ValidationError as error:
            problems.unread.add(wave)
            _add_wave_problems(wave, error, resolved, problems)
        else:
            for place in _unanswered(whole.content):
                problems.add(
                    _wave_file(wave, whole.base),
                    f"{place} is not answered yet. Got {ASK}; expected what the producer's documents say. Write it in.",
                )
    return waves, resolved


def _unanswered(entry: object, place: str = "") -> Iterator[str]:
    """Name the lines in which a proposal still asks, though any text is valid there."""
    if entry == ASK:
        yield place
    for key, value in entry.items() if isinstance(entry, dict) else ():
        yield from _unanswered(value, f"{place}.{key}".lstrip("."))


def _add_wave_problems(
    wave: str, error: ValidationError, resolved: Mapping[str, inherit.Resolved], problems: _Problems
) -> None:
    """Report what is wrong in a wave's entry; a mistake in a line taken over is told once, where it stands."""
    whole = resolved[wave]

    def is_own(place: Sequence[int | str]) -> bool:
        line = [str(x) for x in (place[1:] if place[:1] == (whole.content.get("kind"),) else place)]
        # A mistake in the whole entry, as lines that do not go together, stands in no line.
        return not {".".join(line[:1]), ".".join(line[:2])} & set(whole.origins)

    problems.add_validation(_wave_file(wave, whole.base), error, is_own)


def _wave_file(wave: str, base: str | None) -> str:
    return f"waves/{wave}.yaml" + (f" (based on waves/{base}.yaml)" if base else "")


NUMBERS = {
    "value": float, "lower": float, "upper": float, "confidence": float, "base_weighted": float, "below": float,
    "base": int, "decimals": int, "population": int,
}  # fmt: skip


def _read_table(path: Path, kind: type[E], problems: _Problems) -> Iterator[E]:
    """Read a CSV of facts: the columns of the model in order, those with a default there or not; empty is unknown."""
    where = f"{path.parent.name}/{path.name}"
    fields = kind.model_fields  # type: ignore[attr-defined]
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, strict=True)
        columns = [c for c, f in fields.items() if f.is_required() or c in (reader.fieldnames or ())]
        if reader.fieldnames != columns:
            problems.add(where, f"columns are {reader.fieldnames}; expected {columns}.")
            return
        for line, row in enumerate(reader, start=2):
            try:
                yield _row(row, kind)
            except ValidationError as error:
                problems.add_validation(f"{where} line {line}", error)
            except ValueError:
                problems.add(f"{where} line {line}", "a number is not a number, or a field is missing or too many.")


def _row(row: dict[str, str], kind: type[E]) -> E:
    values: dict[str, Any] = {}
    for key, text in row.items():
        if text is None or key is None:
            raise ValueError("ragged")
        if text == "":
            values[key] = None
        elif key in NUMBERS:
            values[key] = NUMBERS[key](text)
        elif key == "published_on":
            values[key] = date.fromisoformat(text)
        else:
            values[key] = text
    return kind(**values)


def _read_tables(folder: Path, name: str, kind: type[E], problems: _Problems) -> tuple[E, ...]:
    return tuple(row for path in sorted((folder / name).glob("*.csv")) for row in _read_table(path, kind, problems))


def _unknown(problems: _Problems, where: str, what: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = set(known)
    for name in names:
        # What is wrong with an entry that is there was said where it stands.
        if name not in known | problems.unread:
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
            problems.add(where, f'{what} "{name}" is not in the catalogue.{f" Is it {near[0]}?" if near else ""}')


def _check_level(c: Catalogue, problems: _Problems, where: str, domain: str, level: str) -> None:
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


def _check_variable(c: Catalogue, problems: _Problems, where: str, name: str, variable: m.Variable) -> list[str] | None:
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


def _check_made(c: Catalogue, problems: _Problems, where: str, wave: m.MicrodataWave) -> None:
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


def _check_crossed(problems: _Problems, where: str, domains: Sequence[str]) -> None:
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


def _check_microdata(c: Catalogue, problems: _Problems, where: str, wave: m.MicrodataWave) -> None:
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


def _check_wave(c: Catalogue, problems: _Problems, where: str, wave: m.MicrodataWave | m.TablesWave) -> None:
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


def _layouts(wave: m.TablesWave) -> dict[str, workbooks.Layout]:
    return wave.workbook.layouts if wave.workbook is not None else {}


def _check_workbook(c: Catalogue, problems: _Problems, where: str, wave: m.TablesWave) -> None:
    """Check that the tables of a workbook give levels that there are, and each figure once."""
    for name, layout in _layouts(wave).items():
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


def _check_waves(c: Catalogue, problems: _Problems) -> None:
    found: dict[str, list[str]] = {}
    for key, wave in c.waves.items():
        of_wave = _Problems()
        _check_wave(c, of_wave, "", wave)
        found[key] = of_wave.lines
    for key, lines in found.items():
        base = c.resolved[key].base if key in c.resolved else None
        # What is wrong in the base too is told there.
        for line in lines:
            if line not in found.get(base or "", []):
                problems.lines.append(_wave_file(key, base) + line)
    for key, survey in c.surveys.items():
        for name, series in survey.series.items():
            _unknown(problems, f"surveys {key} series {name}", "wave", [b.wave for b in series.breaks], c.waves)


def _check_figures(c: Catalogue, problems: _Problems) -> None:
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


def _check_margins(c: Catalogue, problems: _Problems) -> None:
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


def _check_side(c: Catalogue, problems: _Problems, where: str, side: m.Side) -> None:
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


def _check_one_sample(c: Catalogue, problems: _Problems, where: str, pair: m.PairComparison) -> None:
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


def _check_comparisons(c: Catalogue, problems: _Problems) -> None:
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


def _check_words(c: Catalogue, problems: _Problems) -> None:
    """Check that phrases are of levels there are, and that every axis has a name."""
    for key, domain in c.domains.items():
        if domain.levels:
            _unknown(problems, f"domains {key} phrases", "level", domain.phrases.levels, domain.levels)
    if c.style is not None:
        _unknown(problems, "style.yaml axes", "axis", get_args(m.Axis), c.style.axes)


def _check_uses(c: Catalogue, problems: _Problems) -> None:
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


def _check_reading(c: Catalogue, problems: _Problems) -> None:
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


def load(folder: Path | str | None = None) -> Catalogue:
    """Read and check a catalogue.

    Parameters
    ----------
    folder : Path or str, optional
        A catalogue folder; the package's own when not given.

    Returns
    -------
    Catalogue
        Valid, with every reference resolved.

    Raises
    ------
    CatalogueError
        Anything is wrong; the message holds every problem, a line each, naming file and entry.
    """
    folder = Path(folder) if folder is not None else DEFAULT
    if not folder.is_dir():
        raise CatalogueError(f"catalogue: the folder {folder} does not exist. Give an existing one with --catalogue.")
    problems = _Problems()
    rules = _read_file(folder / "rules.yaml", m.Rules, problems)
    lexicon = _read_file(_words(folder, "lexicon.yaml"), words.Lexicon, problems)
    style = _read_file(_words(folder, "style.yaml"), Style, problems)
    # A catalogue without a vocabulary is a catalogue; only texts cannot be read with it.
    told = folder / "reading.yaml"
    reading = _read_file(told, Reading, problems) if told.exists() else Reading()
    files: dict[tuple[str, str], str] = {}
    waves, resolved = _read_waves(folder, problems)

    def kind(name: str, entry: Any) -> dict[str, Any]:
        return _read_folder(folder, name, TypeAdapter(entry), problems, files)

    content: dict[str, Any] = {
        "sources": kind("sources", m.Source),
        "surveys": kind("surveys", m.Survey),
        "codelists": kind("codelists", m.CodeList),
        "questions": kind("questions", m.Question),
        "indicators": kind("indicators", m.Indicator),
        "domains": kind("domains", m.Domain),
        "comparisons": kind("comparisons", m.Comparison),
        "claims": kind("claims", m.Claim),
        "headlines": kind("headlines", m.Headline),
        "leagues": kind("leagues", m.League),
        "waves": waves,
        "resolved": resolved,
        "figures": _read_tables(folder, "figures", m.Figure, problems),
        "benchmarks": _read_tables(folder, "benchmarks", m.Benchmark, problems),
        "margins": kind("margins", m.PopulationMargins),
        "margin_rows": _read_tables(folder, "margins", m.MarginRow, problems),
        "geographies": kind("geographies", m.Geography),
        "lookups": kind("lookups", m.Lookup),
    }
    # No check of references reads the rules, so a broken rules.yaml hides no other problem; nor does a broken lexicon.
    catalogue = Catalogue(
        folder=folder,
        rules=cast("m.Rules", rules),
        lexicon=cast("words.Lexicon", lexicon),
        style=cast("Style", style),
        reading=reading or Reading(),
        files=files,
        **content,
    )
    checks = (
        _check_waves, _check_figures, _check_margins, _check_comparisons, _check_uses, _check_words, _check_reading,
        areas.check,
    )  # fmt: skip
    for check in checks:
        check(catalogue, problems)
    if not problems.lines:
        return catalogue
    raise CatalogueError(f"catalogue: {len(problems.lines)} problem(s)\n" + "\n".join(problems.lines))
