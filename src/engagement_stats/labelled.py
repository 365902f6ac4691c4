"""Take the categories of a variable from the value labels of its file, where the catalogue says so.

Belongs here: `codes: from_labels`, for divisions of hundreds of levels that only the file can name, such as local
authorities.
Not here: files whose labels contradict the catalogue (codebook), and making variables (clean).
"""

from dataclasses import replace

from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.codebook import Codebook
from engagement_stats.errors import CleaningError, listed


def filled(catalogue: Catalogue, wave_id: str, codebook: Codebook) -> Catalogue:
    """Return the catalogue with the labels of a file in place of `from_labels`.

    Parameters
    ----------
    catalogue : Catalogue
        Not modified.
    wave_id : str
        A microdata wave.
    codebook : Codebook
        What the file says of its codes. A variable whose column is not in it stays as it is.

    Returns
    -------
    Catalogue
        In its wave, each labelled code is a category, but those under the variable's `missing`.

    Raises
    ------
    CleaningError
        A column has no labels, two codes share one, a label cannot be a category, or the file declares a labelled
        code missing that is not under `missing`.
    """
    wave = catalogue.microdata_waves[wave_id]
    made: dict[str, m.Variable] = {}
    problems: list[str] = []
    for name, variable in wave.variables.items():
        if variable.codes != m.FROM_LABELS or variable.column not in codebook.labels:
            continue
        labels = {c: x for c, x in codebook.labels[variable.column].items() if c not in variable.missing}
        wrong = _wrong(labels, [c for c in labels if codebook.declares(variable.column, c)])
        if wrong:
            problems.append(f"{wave_id} {variable.column} ({catalogue.line(wave_id, 'variables', name)}): {wrong}")
        else:
            made[name] = variable.model_copy(update={"codes": labels})
    if problems:
        raise CleaningError("\n".join(problems))
    if not made:
        return catalogue
    whole = wave.model_copy(update={"variables": {**wave.variables, **made}})
    return replace(catalogue, waves={**catalogue.waves, wave_id: whole})


def _wrong(labels: dict[str, str], declared: list[str]) -> str | None:
    if not labels:
        return (
            "its categories are the labels in the file, and the file has none. Use the SPSS or Stata file, or put the "
            "dictionary beside the tab file."
        )
    if declared:
        return f"the file declares {listed(declared)} missing. Give each a reason under missing."
    shared = sorted({c for c, label in labels.items() if list(labels.values()).count(label) > 1})
    if shared:
        return f"codes {listed(shared)} share a label with another. Give the variable a code list of its own."
    odd = [c for c, label in labels.items() if not label.strip() or not label.isprintable() or set("|*") & set(label)]
    if odd:
        return f"the label of {listed(odd)} is empty or holds a bar, a star or a control character. Use a code list."
    return None
