"""Read a catalogue folder, resolve every reference, and report all that is wrong at once.

Belongs here: the order of doing so. Not here: reading files (files), the checks (references).
"""

from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from engagement_stats.catalogue import model as m
from engagement_stats.catalogue import references, words
from engagement_stats.catalogue.files import DEFAULT, read_file, read_folder, read_tables, read_waves, words_file
from engagement_stats.catalogue.problems import Problems
from engagement_stats.catalogue.reading import Reading
from engagement_stats.catalogue.style import Style
from engagement_stats.catalogue.whole import Catalogue
from engagement_stats.errors import CatalogueError


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
    problems = Problems()
    rules = read_file(folder / "rules.yaml", m.Rules, problems)
    lexicon = read_file(words_file(folder, "lexicon.yaml"), words.Lexicon, problems)
    style = read_file(words_file(folder, "style.yaml"), Style, problems)
    # A catalogue without a vocabulary is a catalogue; only texts cannot be read with it.
    told = folder / "reading.yaml"
    reading = read_file(told, Reading, problems) if told.exists() else Reading()
    files: dict[tuple[str, str], str] = {}
    waves, resolved = read_waves(folder, problems)

    def kind(name: str, entry: Any) -> dict[str, Any]:
        return read_folder(folder, name, TypeAdapter(entry), problems, files)

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
        "figures": read_tables(folder, "figures", m.Figure, problems),
        "benchmarks": read_tables(folder, "benchmarks", m.Benchmark, problems),
        "margins": kind("margins", m.PopulationMargins),
        "margin_rows": read_tables(folder, "margins", m.MarginRow, problems),
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
    references.check(catalogue, problems)
    if not problems.lines:
        return catalogue
    raise CatalogueError(f"catalogue: {len(problems.lines)} problem(s)\n" + "\n".join(problems.lines))
