"""Read a briefing's template: which names it asks for, and everything it asks that it may not.

Belongs here: the sandbox, the few things a template can say, and the place of each problem.
Not here: what a name means (names), and the formats of files (markdown, word).

A template holds text, `{{ name(...) }}` with written-out arguments, and comments. It has no loops, conditions,
filters, attributes or sums, so that it can do nothing but ask for pieces of a release, each of them once.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engagement_stats.errors import BriefError, listed

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

# Around the number of a piece in rendered text, until the piece takes its place. Not in any text people type.
OPEN, CLOSE = "\ue000", "\ue001"
TOKEN = re.compile(f"{OPEN}([0-9]+){CLOSE}")
CALLABLE = ("rate", "claim", "comparison", "difference", "table", "caveats", "notes")
VALUES = ("release_id", "built_on", "code_version")
LARGEST = 20_000_000  # characters
ALLOWED = "A template holds text, {{ name('...', option='...') }} and {# comments #}."
EXTRA = "Install the extra `brief`: pip install 'engagement-stats[brief]'."


@dataclass(frozen=True)
class Call:
    """One `{{ name(...) }}` and the line it stands in."""

    line: int
    name: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """What a template asks for, in order, and what is wrong with it: (line, what) each."""

    calls: list[Call] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def nearest(name: str, known: Collection[str]) -> str:
    """Name the known names nearest to one that is not known.

    Examples
    --------
    >>> nearest("regoin", ["region", "sex"])
    'The nearest is region.'
    >>> nearest("zzz", ["region", "sex"])
    'Known: region, sex.'
    """
    close = difflib.get_close_matches(str(name), sorted(known), n=3, cutoff=0.6)
    if not close:
        return f"Known: {listed(sorted(known))}." if known else "There is none."
    return f"The nearest {'is' if len(close) == 1 else 'are'} {', '.join(close)}."


def environment(*, autoescape: bool) -> "Environment":
    """Return a sandbox that holds nothing: no functions, filters or tests."""
    try:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise BriefError(f"brief: templates cannot be read, as Jinja is not installed. {EXTRA}") from None
    sandbox = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=autoescape, keep_trailing_newline=True
    )
    for offered in (sandbox.globals, sandbox.filters, sandbox.tests):
        offered.clear()
    return sandbox


def read(source: str) -> Reading:
    """Find every name a template asks for, and every problem of it.

    Parameters
    ----------
    source : str
        Exactly what will be rendered.

    Returns
    -------
    Reading
        In the order of the template.
    """
    sandbox = environment(autoescape=False)
    from jinja2 import nodes

    found = Reading()
    if len(source) > LARGEST:
        found.problems.append((1, f"The template is too large. Got {len(source):,} characters; at most {LARGEST:,}."))
        return found
    lines = source.split("\n")
    for line, text in enumerate(lines, start=1):
        if OPEN in text or CLOSE in text:
            found.problems.append((line, "Holds a character of private use (U+E000 or U+E001). Take it out."))
    tree = _parsed(sandbox, lines, found)
    if tree is None:
        return found
    for node in tree.body:
        for part in node.nodes if isinstance(node, nodes.Output) else [node]:
            if not isinstance(part, nodes.TemplateData):
                _take(part, found)
    found.problems.sort(key=lambda p: p[0])
    return found


def _parsed(sandbox: "Environment", lines: list[str], found: Reading) -> "nodes.Template | None":
    """Parse a template, leaving out what is wrong so that the problems of the rest are told too."""
    from jinja2 import TemplateSyntaxError

    while True:
        try:
            _take_out_statements(sandbox, lines, found)
            return sandbox.parse("\n".join(lines))
        except TemplateSyntaxError as error:
            at = min(max(error.lineno, 1), len(lines))
            why = (error.message or "").rstrip(".")
            found.problems.append((at, f"This is not a template's language: {why}. {ALLOWED}"))
            if not _blank(lines, at):
                return None
        except RecursionError:
            found.problems.append((1, f"Brackets are nested too deeply. {ALLOWED}"))
            return None


def _take_out_statements(sandbox: "Environment", lines: list[str], found: Reading) -> None:
    """Refuse every `{% ... %}` where it stands; one that is not closed would be missed only at the end."""
    tokens = list(sandbox.lex("\n".join(lines)))
    starts = [i for i, (_, kind, _) in enumerate(tokens) if kind == "block_begin"]
    for i in starts:
        line = tokens[i][0]
        name = next((value for _, kind, value in tokens[i:] if kind == "name"), "")
        if not name.startswith("end"):
            found.problems.append((line, f"{name!r} is not possible here. {ALLOWED}"))
    for line in {tokens[i][0] for i in starts}:
        lines[line - 1] = re.sub(r"\{%.*?(%\}|$)", "", lines[line - 1])


def _blank(lines: list[str], at: int) -> bool:
    """Empty the line, or the last one before it that opens something; say whether there was any."""
    for i in range(at - 1, -1, -1):
        if re.search(r"\{[{%#]|[}%#]\}", lines[i]):
            lines[i] = ""
            return True
    return False


def _kind(node: "nodes.Node") -> str:
    return f"{type(node).__name__.lower()!r}"


def _take(node: "nodes.Node", found: Reading) -> None:
    """Note one expression as a call, or say what is wrong with it."""
    from jinja2 import nodes

    line = node.lineno
    if isinstance(node, nodes.Name):
        if node.name in CALLABLE:
            found.problems.append((line, f"{node.name} wants brackets: {{{{ {node.name}(...) }}}}."))
        elif node.name not in VALUES:
            found.problems.append((line, f"No name {node.name!r}. {nearest(node.name, [*CALLABLE, *VALUES])}"))
        return
    if not isinstance(node, nodes.Call) or not isinstance(node.node, nodes.Name):
        found.problems.append((line, f"{_kind(node)} is not possible here. {ALLOWED}"))
        return
    name = node.node.name
    if name not in CALLABLE:
        found.problems.append((line, f"No name {name!r}. {nearest(name, CALLABLE)}"))
        return
    arguments = list(_literals([*node.args, *(k.value for k in node.kwargs)]))
    if node.dyn_args or node.dyn_kwargs or len(arguments) < len(node.args) + len(node.kwargs):
        found.problems.append((line, f"{name}: an argument is not written out. Give texts in quotes or numbers."))
        return
    keys = [k.key for k in node.kwargs]
    if len(set(keys)) < len(keys):
        found.problems.append((line, f"{name}: an option is given twice."))
        return
    plain = arguments[: len(node.args)]
    options = dict(zip(keys, arguments[len(node.args) :], strict=True))
    found.calls.append(Call(line, name, tuple(plain), options))


def _literals(given: "list[nodes.Expr]") -> Iterator[Any]:
    """Yield the values of the arguments that are texts, whole numbers, or lists of texts."""
    from jinja2 import nodes

    for node in given:
        if isinstance(node, nodes.Const) and isinstance(node.value, str | int) and not isinstance(node.value, bool):
            yield node.value
        elif isinstance(node, nodes.List):
            items = [i.value for i in node.items if isinstance(i, nodes.Const) and isinstance(i.value, str)]
            if len(items) == len(node.items):
                yield items


def context(values: Mapping[str, str]) -> dict[str, Any]:
    """Return what a template is rendered with: each call gives the token of the next piece."""
    numbers = iter(range(10**9))

    def token(*_: object, **__: object) -> str:
        return f"{OPEN}{next(numbers)}{CLOSE}"

    return {**dict.fromkeys(CALLABLE, token), **values}
