"""A loaded catalogue, and what may be asked of it as a whole.

Belongs here: the mappings of entries, what follows from several of them, digests.
Not here: the shape of an entry (model), reading one (files, load), and any use of the entries (the stages).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from engagement_stats.catalogue import areas, inherit, vintages, words, workbooks
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.reading import Reading
from engagement_stats.catalogue.style import Style

CROSS = inherit.CROSS

LEVEL_SEPARATOR = " | "
# What the levels of a domain may be compared with besides the levels of a domain that holds them.
WITHIN_A_WAVE = ("total", "rest", "each_other")


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
            described = dict.fromkeys(d for x in entry.layouts.values() for d in x.domains)
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
