"""Read YAML so that nothing is guessed: no tags, aliases, duplicate keys, surprise booleans or NaN.

Belongs here: the loader and its refusals, each with a line number.
Not here: what the entries mean (model), or which files there are (load).
"""

import math
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from engagement_stats.errors import CatalogueError

MAX_BYTES = 2_000_000


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's booleans, and no aliases, tags or duplicate keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.constructor.ConstructorError(None, None, "anchors and aliases are refused", event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.constructor.ConstructorError(None, None, "tags are refused", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice or is not a plain key", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


# Of YAML 1.1's yes/no/on/off only true and false stay booleans: "No" is an answer in a survey.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _finite(value: object, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise CatalogueError(f"{where}: a number that is not finite. Write an ordinary number.")
    if isinstance(value, dict):
        for item in value.values():
            _finite(item, where)
    if isinstance(value, list):
        for item in value:
            _finite(item, where)


def read(path: Path) -> dict[str, Any]:
    """Read one YAML file whose top level is a mapping.

    Parameters
    ----------
    path : Path
        A UTF-8 file of at most two megabytes.

    Returns
    -------
    dict
        The mapping; an empty file gives an empty one.

    Raises
    ------
    CatalogueError
        Not UTF-8, too large, not YAML, or YAML of a kind refused; names file and line.
    """
    if path.stat().st_size > MAX_BYTES:
        raise CatalogueError(f"{path.name}: larger than {MAX_BYTES} bytes. Split the file.")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except UnicodeDecodeError:
        raise CatalogueError(f"{path.name}: not UTF-8 text. Save the file as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise CatalogueError(f"{path.name}{line}: {getattr(error, 'problem', None) or 'not YAML'}.") from None
    except RecursionError:
        raise CatalogueError(f"{path.name}: nested too deeply. Flatten the file.") from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise CatalogueError(f"{path.name}: the top level is not a mapping of names. See CONTRIBUTING.md.")
    _finite(content, path.name)
    return content
