"""Find the known wave that a file is most like.

Belongs here: what the catalogue knows of a wave's variables, and the ranking of waves.
Not here: how alike two columns are (likeness), and what entry follows (propose).
"""

import difflib
import fnmatch
import re
from collections.abc import Sequence

from engagement_stats import likeness
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.inspection import Column
from engagement_stats.likeness import Known

# Waves matched in full when looking for the nearest one.
CLOSEST = 4
# What column names, the file's name and a year between count for when looking for the nearest wave, and to how many
# years it comes that a series has a wave of the file's year already.
BY_NAMES, BY_FILE, A_YEAR, ANOTHER_SERIES = 0.5, 0.15, 0.01, 5
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d")
# Of a wave of few variables some are found in any file: as many more are taken to be asked for and not found.
CHANCE = 5
# Below this share of its variables found, a wave is not near.
NEAR = 0.2


def known(wave_id: str, catalogue: Catalogue, own: Sequence[Column] = ()) -> list[Known]:
    """Gather what the catalogue knows of a wave's variables: texts, codes, and their columns in its own file."""
    wave = catalogue.microdata_waves[wave_id]
    itself = likeness.by_column(own)
    texts: dict[str, list[str]] = {}
    for key, rule in wave.indicators.items():
        if rule.variable is None:
            continue
        indicator = catalogue.indicators[key]
        asked = catalogue.questions[rule.question].text
        texts.setdefault(rule.variable, []).extend(t for t in (asked, indicator.label, indicator.definition) if t)
    return [
        Known(
            id=name,
            column=variable.column,
            texts=(*texts.get(name, ()), *([catalogue.domains[name].label] if name in catalogue.domains else [])),
            codes=catalogue.codes(variable),
            itself=itself.get(variable.column.lower()),
        )
        for name, variable in wave.variables.items()
    ]


def claims(wave: m.MicrodataWave, file: str) -> bool:
    """Say whether a wave's patterns match a file's name."""
    return any(fnmatch.fnmatchcase(file.lower(), p.lower()) for p in wave.file.pattern)


def find(file: str, columns: Sequence[Column], catalogue: Catalogue) -> str | None:
    """Return the microdata wave most like a file, None when none is.

    Waves are first ranked by column names and file name; the closest few are then matched in full.
    """
    present = {c.name.lower() for c in columns}

    def by_names(wave: m.MicrodataWave) -> float:
        asked = [
            *wave.respondent_id.columns,
            *wave.design.weights.values(),
            *(v.column for v in wave.variables.values()),
        ]
        return sum(c.lower() in present for c in asked) / max(len(asked), 1)

    def by_file(wave: m.MicrodataWave) -> float:
        return max(difflib.SequenceMatcher(None, file.lower(), p.lower()).ratio() for p in wave.file.pattern)

    every = catalogue.microdata_waves
    # A wave that claims a file of this name is nearer than any that does not.
    claiming = [w for w in every if claims(every[w], file)]
    waves = {w: every[w] for w in claiming or every}
    newest: dict[str, int] = {}
    for wave in waves.values():
        newest[wave.survey] = max(newest.get(wave.survey, 0), wave.fieldwork.year)

    stated = YEAR.search(file)
    # A series that has a wave of the file's year will not have two of them.
    there = {w.series for w in every.values() if w.series and stated and w.fieldwork.year == int(stated[0])}

    def cheaply(wave: str) -> float:
        # Waves are most like those of the years beside them; a file whose name has no year is most often the next one.
        entry = waves[wave]
        year = int(stated[0]) if stated else newest[entry.survey]
        apart = abs(year - entry.fieldwork.year) + (ANOTHER_SERIES if entry.series in there else 0)
        return BY_NAMES * by_names(entry) + BY_FILE * by_file(entry) - A_YEAR * apart

    ranked = sorted(waves, key=cheaply, reverse=True)
    distinct: dict[tuple[tuple[str, str], ...], str] = {}
    for w in ranked:
        distinct.setdefault(tuple(sorted((k, v.column.lower()) for k, v in waves[w].variables.items())), w)
    best: tuple[float, str | None, float] = (0.0, None, 0.0)
    for w in list(distinct.values())[:CLOSEST]:
        wanted = [v for v, x in waves[w].variables.items() if not x.optional] or list(waves[w].variables)
        matches = likeness.match(known(w, catalogue), columns)
        share = sum(matches[v].score for v in wanted if v in matches) / (len(wanted) + CHANCE)
        best = max(best, (share + cheaply(w), w, share), key=lambda x: x[0])
    return best[1] if best[2] >= NEAR else None
