"""Build the released warehouse beside the old one and put it in place whole.

Belongs here: the frames that describe the catalogue, checking frames against warehouse/schema.sql, and the
atomic exchange of files.
Not here: any number in a release (results, compare, claim), and suppression (disclose).
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from engagement_stats import opening
from engagement_stats.catalogue import CROSS, LEVEL_SEPARATOR, Catalogue, digest
from engagement_stats.errors import PublishError, listed
from engagement_stats.provenance import code_version, commit_id, lock_digest
from engagement_stats.store import Fingerprint, code_digest

# Readable by DuckDB 1.0 and later, which is what analysts have installed.
STORAGE_VERSION = "v1.0.0"
# Whatever the user's default: the owner writes, the group of analysts reads, nobody else does anything.
FILE_MODE, FOLDER_MODE = 0o640, 0o750


def release_id(
    catalogue: Catalogue, built: Mapping[str, Fingerprint], failed: Mapping[str, str], corrections: str = ""
) -> str:
    """Name a release by everything it is made from, so that equal inputs give an equal name.

    Parameters
    ----------
    catalogue : Catalogue
    built : mapping of str to Fingerprint
        The waves in the release.
    failed : mapping of str to str
        Waves that have landed and could not be built, and why.
    corrections : str, optional
        Digest of the ledger of corrections; empty when it has no entry.

    Returns
    -------
    str
        "r" and sixteen hexadecimal digits.
    """
    parts = [catalogue.digest, code_digest(), {k: v.key for k, v in built.items()}, dict(failed), corrections]
    return f"r{digest(parts)[:16]}"


@dataclass(frozen=True, slots=True)
class Standing:
    """The release in place: its name, whether it rests on synthetic input, and its waves.

    `is_damaged` says that its file does not read, and that the rest is known from elsewhere.
    """

    release: str
    is_synthetic: bool
    waves: tuple[str, ...]
    is_damaged: bool = False


def standing(warehouse: Path) -> Standing | None:
    """Return what the released file says of itself, None when there is no file.

    Raises
    ------
    LockedReleaseError, ForeignFileError, DamagedReleaseError
        There is a file, and another program writes to it, or it is no release, or a damaged one.
    """
    import duckdb

    if not os.path.lexists(os.path.realpath(warehouse)):
        return None
    if not warehouse.is_file():
        raise opening.no_file(warehouse)
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            rows = connection.execute("SELECT release_id, is_synthetic, input_digests FROM runs").fetchall()
        ((release, synthetic, inputs),) = rows
        waves = tuple(json.loads(inputs))
    except duckdb.Error as error:
        raise opening.explained(warehouse, error) from None
    except (ValueError, TypeError):  # somebody wrote in it
        raise opening.damaged(warehouse) from None
    return Standing(str(release), bool(synthetic), waves)


def current_release(warehouse: Path) -> str | None:
    """Return the name of the release in place, None when there is no file; as `standing`."""
    found = standing(warehouse)
    return found.release if found else None


def is_synthetic(warehouse: Path) -> bool | None:
    """Say whether the release in place rests on synthetic input, None when there is no file; as `standing`."""
    found = standing(warehouse)
    return found.is_synthetic if found else None


def described(
    catalogue: Catalogue,
    released: Sequence[str],
    synthetic: Sequence[str],
    caveats: Mapping[str, str] | None = None,
    estimates: pd.DataFrame | None = None,
    codes: Mapping[tuple[str, str], str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Make the tables that let a reader understand every id of a release.

    Parameters
    ----------
    catalogue : Catalogue
    released : sequence of str
        The waves with estimates in the release.
    synthetic : sequence of str
        Those of them that are synthetic.
    caveats : mapping of str to str, optional
        Wave to what its build adds to its note.
    estimates : DataFrame, shape (n estimates, columns of estimates), optional
        Those released: where only a lookup knows the levels of a domain, theirs are described.
    codes : mapping of (str, str) to str, optional
        Domain and level to the code of the area, as `places.codes` gives them.

    Returns
    -------
    dict of str to DataFrame
        indicators, surveys, waves, domains, sources, terms and table_keys, without release_id.
    """
    c = catalogue
    indicators = [
        {
            "id": k,
            **{f: getattr(v, f) for f in ("label", "definition", "concept", "recall", "statistic", "phrase")},
        }
        for k, v in c.indicators.items()
    ]
    surveys = [
        {
            "id": k, "label": v.label, "definition": v.population.phrase, "geography": v.population.geography,
            "age_from": v.population.age_from, "frame": v.frame, "sampling": v.sampling, "note": v.note,
        }
        for k, v in c.surveys.items()
    ]  # fmt: skip
    domains = [
        {"id": k, "label": v.label, "definition": c.definition(k), "level": level, "position": i,
         "code": (codes or {}).get((k, level))}
        for k, v in c.domains.items()
        for i, level in enumerate(v.levels or _levels_released(k, estimates), start=1)
    ]  # fmt: skip
    sources = [
        {"id": k, "label": v.title, "definition": v.citation, "producer": v.producer, "licence": v.licence,
         "url": v.url}
        for k, v in c.sources.items()
    ]  # fmt: skip
    waves = [_wave_row(c, k, k in set(released), k in set(synthetic), (caveats or {}).get(k, "")) for k in c.waves]
    rows: dict[str, Sequence[Mapping[str, Any]]] = {
        "indicators": indicators,
        "surveys": surveys,
        "domains": domains,
        "sources": sources,
        "waves": waves,
        "terms": _terms(c),
        "table_keys": [
            {"table_name": table, "position": i, "column_name": column}
            for table, key in keys().items()
            for i, column in enumerate(key, start=1)
        ],
    }
    return {k: pd.DataFrame(v, columns=_described_columns(k)) for k, v in rows.items()}


def _described_columns(table: str) -> list[str]:
    return [column for column in columns(table) if column != "release_id"]


def _terms(c: Catalogue) -> list[dict[str, str]]:
    said: dict[str, Mapping[Any, str]] = {
        "symbol": c.rules.terms.symbols,
        "caution": c.rules.comparability.cautions,
        "mark": c.rules.terms.marks,
    }
    return [{"kind": kind, "id": str(k), "meaning": v} for kind, entries in said.items() for k, v in entries.items()]


def _levels_released(domain: str, estimates: pd.DataFrame | None) -> list[str]:
    """Return the levels of a domain among the estimates, crossed ones too, in the order of the alphabet."""
    found: set[str] = set()
    if estimates is not None:
        for family, level in estimates[["domain", "level"]].drop_duplicates().itertuples(index=False):
            parts = dict(zip(family.split(CROSS), level.split(LEVEL_SEPARATOR), strict=True))
            found |= {parts[domain]} if domain in parts else set()
    return sorted(found)


def _wave_row(c: Catalogue, wave_id: str, released: bool, synthetic: bool, caveat: str) -> dict[str, Any]:
    wave = c.waves[wave_id]
    series = c.surveys[wave.survey].series.get(wave.series) if wave.series else None
    breaks = [b.reason for b in series.breaks if b.wave == wave_id] if series else []
    return {
        "id": wave_id, "label": wave.label, "definition": wave.fieldwork.label, "survey": wave.survey,
        "series": wave.series, "series_label": series.label if series else None, "kind": wave.kind,
        "year": wave.fieldwork.year, "fieldwork_start": wave.fieldwork.start, "fieldwork_end": wave.fieldwork.end,
        "fieldwork_precision": wave.fieldwork.precision,
        "mode": wave.mode, "sampling": c.sampling(wave_id), "break_before": " ".join(breaks) or None,
        "source": wave.source, "is_released": released, "unverified": "; ".join(wave.unverified) or None,
        "note": " ".join(x for x in (wave.note, caveat) if x) or None, "is_synthetic": synthetic,
    }  # fmt: skip


def headlines(catalogue: Catalogue, estimates: pd.DataFrame) -> pd.DataFrame:
    """Pick out the headlines: for a series, its newest wave that has the indicator.

    Parameters
    ----------
    catalogue : Catalogue
    estimates : DataFrame, shape (n estimates, columns of estimates)

    Returns
    -------
    DataFrame
        headline, position, label, wave, indicator, domain, level, is_synthetic; nothing for a wave that has
        not landed.
    """
    flags = {(r.wave, r.indicator, r.domain, r.level): bool(r.is_synthetic) for r in estimates.itertuples(index=False)}
    rows = []
    for position, (name, entry) in enumerate(catalogue.headlines.items(), start=1):
        waves = list(entry.waves)
        if entry.series is not None:
            survey = next(k for k, v in catalogue.surveys.items() if entry.series in v.series)
            waves = catalogue.series_waves(survey, entry.series)
        carrying = [w for w in waves if (w, entry.indicator, entry.domain, entry.level) in flags]
        for wave in carrying[-1:] if entry.series is not None else carrying:
            key = (wave, entry.indicator, entry.domain, entry.level)
            rows.append([name, position, entry.label, *key, flags[key]])
    columns = ["headline", "position", "label", "wave", "indicator", "domain", "level", "is_synthetic"]
    return pd.DataFrame(rows, columns=columns)


def run_row(
    catalogue: Catalogue, built: Mapping[str, Fingerprint], failed: Mapping[str, str], synthetic: bool
) -> pd.DataFrame:
    """Describe the release itself in one row."""
    return pd.DataFrame([{
        "built_at": datetime.now(UTC).replace(tzinfo=None),
        "code_version": code_version(), "commit_id": commit_id(), "lock_digest": lock_digest(),
        "catalogue_digest": catalogue.digest,
        "input_digests": json.dumps({k: v.file for k, v in sorted(built.items())}),
        "lookup_digests": json.dumps({k: dict(v.lookups) for k, v in sorted(built.items()) if v.lookups}),
        "failed_waves": json.dumps(dict(sorted(failed.items()))), "is_synthetic": synthetic,
    }])  # fmt: skip


@cache
def _schema() -> dict[str, list[str]]:
    """Return the columns of every table of warehouse/schema.sql, in order."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(_sql("schema.sql"))
        found = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY table_name, column_index"
        ).fetchall()
    tables: dict[str, list[str]] = {}
    for table, column in found:
        tables.setdefault(table, []).append(column)
    return tables


def columns(table: str) -> list[str]:
    """Return the columns of a released table, in the order of warehouse/schema.sql."""
    return list(_schema()[table])


@cache
def keys() -> dict[str, list[str]]:
    """Return the key of every released table, by warehouse/schema.sql: the columns that together name a row."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(_sql("schema.sql"))
        found = connection.execute(
            "SELECT table_name, constraint_column_names FROM duckdb_constraints() "
            "WHERE constraint_type = 'PRIMARY KEY' ORDER BY table_name"
        ).fetchall()
    return {table: list(columns) for table, columns in found}


def _sql(name: str) -> str:
    return resources.files("warehouse").joinpath(name).read_text(encoding="utf-8")


def build(frames: Mapping[str, pd.DataFrame], release: str, target: Path) -> None:
    """Build a release and put it in place.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Every table of warehouse/schema.sql with exactly its columns but `release_id`.
    release : str
        The release's name, written in every row.
    target : Path
        The released file. Replaced in one step once the new one is complete and on disk; a process reading the
        old one is not disturbed.

    Raises
    ------
    PublishError
        A table or column is missing or not in the schema, a row breaks the schema's rules, or the disk refuses.
    """
    import duckdb

    if not target.parent.exists():
        target.parent.mkdir(parents=True)
        target.parent.chmod(FOLDER_MODE)
    beside = target.with_name(f".{target.name}.{os.getpid()}.building")
    log = beside.with_name(beside.name + ".wal")
    # A build killed under the same process id (every run's, in a container) may have left its file.
    beside.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    try:
        # One thread: sums in DuckDB are added in a fixed order, so content is the same each time.
        # No folder to spill to, which would lie in the working directory.
        with duckdb.connect(config={"threads": 1, "temp_directory": ""}) as connection:
            quoted = str(beside).replace("'", "''")
            # Filled in memory first, where keys are enforced.
            connection.execute(_sql("schema.sql"))
            _fill(connection, frames, release)
            connection.execute(f"ATTACH '{quoted}' AS release (STORAGE_VERSION '{STORAGE_VERSION}')")
            connection.execute("USE release")
            connection.execute(_without_keys(_sql("schema.sql")))
            for table in _schema():
                connection.execute(f'INSERT INTO "{table}" SELECT * FROM memory.main."{table}"')
            connection.execute(_sql("views.sql"))
            connection.execute(_sql("macros.sql"))
            connection.execute("CHECKPOINT release")
            connection.execute("USE memory")
            connection.execute("DETACH release")
        if log.exists():
            raise PublishError(f"{target.name}: the build left a write-ahead log. Run again.")
        beside.chmod(FILE_MODE)
        sync(beside)
        beside.replace(target)
        sync(target.parent)
    except duckdb.ConstraintException as error:
        rule = str(error).splitlines()[0]
        # A broken key is quoted by its values; ids are no secret, but one line about the table says enough.
        shown = (
            rule if rule.startswith(("Constraint Error: CHECK", "Constraint Error: NOT NULL")) else "a key is repeated"
        )
        raise PublishError(f"{target.name}: a row breaks a rule of warehouse/schema.sql: {shown}.") from None
    except (duckdb.Error, OSError) as error:  # a conversion error quotes the value, so only its kind is shown
        raise PublishError(f"{target}: the release could not be written ({opening.refusal(error)}).") from None
    finally:
        beside.unlink(missing_ok=True)
        log.unlink(missing_ok=True)


def _without_keys(schema: str) -> str:
    """Return the schema as it stands in a released file: DuckDB 1.0 cannot read the index that a key makes."""
    return re.sub(r",\n    PRIMARY KEY \([^)]*\)", "", schema)


def _fill(connection: Any, frames: Mapping[str, pd.DataFrame], release: str) -> None:
    tables = _schema()
    if set(tables) != set(frames):
        odd = sorted(set(tables) ^ set(frames))
        raise PublishError(f"release: tables and frames do not agree on {listed(odd)}. See warehouse/schema.sql.")
    for table, names in tables.items():
        frame = frames[table].assign(release_id=release)
        if set(frame.columns) != set(names):
            odd = sorted(set(frame.columns) ^ set(names))
            raise PublishError(f"{table}: the frame and warehouse/schema.sql do not agree on {listed(odd)}.")
        connection.register("frame", frame[names])
        listing = ", ".join(f'"{n}"' for n in names)
        connection.execute(f'INSERT INTO "{table}" ({listing}) SELECT {listing} FROM frame')
        connection.unregister("frame")


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
