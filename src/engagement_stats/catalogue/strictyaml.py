"""Read YAML so that nothing is guessed: no tags, aliases, duplicate keys, surprise booleans, octals or NaN.

Belongs here: the loader and its refusals, each with its line and the key it concerns.
Not here: what the entries mean (model), or which files there are (load).

What is refused is refused while the file is composed, before any of it is built: a bomb does not get so far.
"""

import math
import re
from collections.abc import Hashable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from engagement_stats.errors import CatalogueError

# The parser, in Python, takes up to ten seconds for a megabyte. No entry of a catalogue is a tenth of this.
MAX_BYTES, MAX_DEPTH = 100_000, 30
# Of YAML 1.1's numbers those that everyone reads alike: 010 is eight in one language and ten in another.
PLAIN_NUMBERS = {
    "int": re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})"),
    "float": re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})?\.[0-9]{0,40}(?:[eE][-+][0-9]{1,3})?"),
}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _refused(problem: str, node: Any) -> yaml.constructor.ConstructorError:
    """Return the error that names the line of a node or event."""
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _flaw(kind: str, value: str) -> str | None:
    """Say why a value is not what it seems, or return None."""
    if kind in PLAIN_NUMBERS and not (PLAIN_NUMBERS[kind].fullmatch(value) and math.isfinite(float(value))):
        return "not a plain finite decimal number; write one, or quotes round a code"
    if kind == "timestamp":
        try:
            date.fromisoformat(value)
        except ValueError:
            return "not a day of the calendar; write year-month-day, or quotes round a text"
    if kind == "merge":
        return "merge keys are refused"
    return "control characters are refused" if CONTROL.search(value) else None


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's booleans, and no aliases, tags or duplicate keys."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.keys: list[str] = []
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose what comes next; `index` is the node of the key whose value it is, if it is one."""
        is_value = isinstance(index, yaml.ScalarNode)
        if is_value:
            self.keys.append(index.value)
        self.depth += 1
        self._check_event(self.peek_event())
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and (flaw := _flaw(node.tag.rpartition(":")[2], node.value)):
            raise _refused(f"{self._at()}{flaw}", node)
        self.depth -= 1
        if is_value:
            self.keys.pop()
        return node

    def _check_event(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(f"{self._at()}anchors and aliases are refused", event)
        if getattr(event, "tag", None):
            raise _refused(f"{self._at()}tags are refused", event)
        if self.depth > MAX_DEPTH:
            raise _refused(f"nested more than {MAX_DEPTH} deep; flatten the file", event)

    def _at(self) -> str:
        return f"key {'.'.join(self.keys)}: " if self.keys else ""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in seen:
                raise _refused(f"the key {key!r} is given twice or is not a plain key", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


# Of YAML 1.1's yes/no/on/off only true and false stay booleans: "No" is an answer in a survey.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read(path: Path) -> dict[str, Any]:
    """Read one YAML file whose top level is a mapping.

    Parameters
    ----------
    path : Path
        A UTF-8 file of at most `MAX_BYTES`.

    Returns
    -------
    dict
        The mapping; an empty file gives an empty one.

    Raises
    ------
    CatalogueError
        Not UTF-8, too large, not YAML, or YAML of a kind refused; names file, line and key.
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
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise CatalogueError(f"{path.name}: the top level is not a mapping of names. See CONTRIBUTING.md.")
    return content
