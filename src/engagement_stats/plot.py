"""Draw how a weight was made: weights before and after, and the balance with the population.

Belongs here: plots for the quality report, as SVG text.
Not here: any number in them (weight, diagnose). Needs matplotlib, the extra `plots`.
"""

from typing import Any

import numpy as np
import pandas as pd

BEFORE, AFTER = "#F46A25", "#12436D"  # the Analysis Function's two colours for two series


def weighting(weights: Any, margins: pd.DataFrame, *, title: str) -> str | None:
    """Draw the weights before and after, and each category's distance from the population.

    Parameters
    ----------
    weights : Weights
        Shape (n,), with its steps.
    margins : DataFrame, shape (categories, columns of weighting_margins)
    title : str

    Returns
    -------
    str or None
        SVG, the same text for the same input; None without matplotlib.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return None
    import io

    settings: Any = {"svg.hashsalt": "engagement-stats", "svg.fonttype": "none", "font.family": "sans-serif"}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(10, max(3.5, 0.28 * len(margins) + 1.5)), layout="constrained")
        left, right = figure.subplots(1, 2)
        after, before = (v[v > 0] / v[v > 0].mean() for v in (weights.values, weights.base))
        edges = np.histogram_bin_edges(np.concatenate([before, after]), bins=30)
        left.hist(before, bins=edges, color=BEFORE, alpha=0.6, label="before")
        left.hist(after, bins=edges, color=AFTER, alpha=0.6, label="after")
        left.set(xlabel="weight over its mean", ylabel="respondents", title="Weights")
        left.legend(frameon=False)
        rows = np.arange(len(margins))[::-1]
        right.axvline(0, color="#3D3D3D", linewidth=0.8)
        right.plot(margins["difference_before"], rows, "o", color=BEFORE, label="before")
        right.plot(margins["difference_after"], rows, "s", color=AFTER, label="after")
        right.set_yticks(rows, [f"{v}: {c}" for v, c in zip(margins["variable"], margins["category"], strict=True)])
        right.set(xlabel="standardised difference from the population", title="Balance")
        right.legend(frameon=False)
        figure.suptitle(title)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Title": title})
    return out.getvalue()
