"""Survey knowledge as data, and the models that say what is valid.

Belongs here: `load` and the entry models under one name. Not here: any survey statistics.
The entries themselves are the YAML and CSV files in data/.
"""

from engagement_stats.catalogue.load import CROSS, DEFAULT, LEVEL_SEPARATOR, Catalogue, digest, load
from engagement_stats.catalogue.pairs import KEY, REST, THRESHOLD, Inside, Pair, pairs, rests

__all__ = [
    "CROSS",
    "DEFAULT",
    "KEY",
    "LEVEL_SEPARATOR",
    "REST",
    "THRESHOLD",
    "Catalogue",
    "Inside",
    "Pair",
    "digest",
    "load",
    "pairs",
    "rests",
]
