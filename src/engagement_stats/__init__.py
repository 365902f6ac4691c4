"""From deposited survey files to civic-engagement statistics with honest uncertainty.

`SampleDesign`, `estimate`, `weight` and `compare` are the library's public face; they are imported when first
used, so that the command line starts quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engagement_stats import compare, estimate, weight
    from engagement_stats.design import SampleDesign

__all__ = ["SampleDesign", "compare", "estimate", "weight"]


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def __getattr__(name: str) -> Any:
    if name == "SampleDesign":
        return import_module("engagement_stats.design").SampleDesign
    if name in __all__:
        return import_module(f"engagement_stats.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
