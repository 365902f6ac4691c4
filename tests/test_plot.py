"""The plot of a weight: well-formed, the same for the same weight, and none where it cannot be drawn."""

import sys
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from engagement_stats import plot, weight


def drawn(seed: int = 1, title: str = "poll, main") -> str | None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], 200, p=[0.6, 0.4])})
    margins = pd.DataFrame({"variable": ["sex"] * 2, "category": ["F", "M"], "population": [51.0, 49.0]})
    made = weight.rake(frame, margins)
    table = weight.diagnose(frame, margins, weights=made).table
    balance = pd.DataFrame(
        {
            "variable": table["variable"],
            "category": table["category"],
            "difference_before": table["difference"],
            "difference_after": table["after_difference"].where(table["category"] == "F"),
        }
    )
    return plot.weighting(made, balance, title=title)


def test_a_plot_is_a_well_formed_drawing_with_its_words() -> None:
    pytest.importorskip("matplotlib")
    text = drawn(title="a < b & c")
    assert text is not None
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("}svg")
    words = " ".join("".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text"))
    for said in ("a < b & c", "Weights", "Balance", "before", "after", "sex: F", "sex: M", "weight over its mean"):
        assert said in words
    assert plot.BEFORE.lower() in text.lower()
    assert plot.AFTER.lower() in text.lower()


def test_the_same_weight_gives_the_same_text() -> None:
    pytest.importorskip("matplotlib")
    first = drawn()
    assert first == drawn()
    assert first != drawn(seed=2)
    # No moment of drawing in it.
    assert first is not None
    assert "<dc:date>" not in first


def test_a_user_s_own_settings_change_nothing() -> None:
    mpl = pytest.importorskip("matplotlib")
    first = drawn()
    with mpl.rc_context({"svg.hashsalt": None, "svg.fonttype": "path"}):
        assert drawn() == first
        assert mpl.rcParams["svg.fonttype"] == "path"


def test_without_matplotlib_there_is_no_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert drawn() is None
