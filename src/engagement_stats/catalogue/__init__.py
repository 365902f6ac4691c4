"""Survey knowledge as data, and the models that say what is valid.

Belongs here: `load` and the entry models under one name. Not here: any survey statistics.
The entries themselves are the YAML and CSV files in data/.
"""

from engagement_stats.catalogue.files import DEFAULT
from engagement_stats.catalogue.load import load
from engagement_stats.catalogue.pairs import KEY, REST, THRESHOLD, Inside, Pair, pairs, rests
from engagement_stats.catalogue.whole import CROSS, LEVEL_SEPARATOR, WITHIN_A_WAVE, Catalogue, digest

__all__ = [
    "CROSS",
    "DEFAULT",
    "KEY",
    "LEVEL_SEPARATOR",
    "REST",
    "THRESHOLD",
    "WITHIN_A_WAVE",
    "Catalogue",
    "Inside",
    "Pair",
    "digest",
    "load",
    "pairs",
    "rests",
]
