"""What is wrong with a catalogue, collected until all of it can be told.

Belongs here: how a problem is put. Not here: finding one.
"""

from collections.abc import Callable, Sequence

from pydantic import ValidationError


class Problems:
    """Everything found wrong so far, a line each, and the ids of the entries that could not be read."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.unread: set[str] = set()

    def add(self, where: str, problem: str) -> None:
        """Note a problem of a file or an entry."""
        self.lines.append(f"{where}: {problem}")

    def add_validation(
        self, where: str, error: ValidationError, told: Callable[[Sequence[int | str]], bool] = lambda loc: True
    ) -> None:
        """Note what pydantic found wrong, but for the places of which `told` says that it was told elsewhere."""
        for item in error.errors(include_url=False):
            if not told(item["loc"]):
                continue
            place = ".".join(str(p) for p in item["loc"])
            got, said = item.get("input"), item["msg"].removeprefix("Value error, ")
            shown = f" Got {got!r}." if isinstance(got, str | int | float | bool) else ""
            self.add(where, f"{place}: {said}.{shown}" if place else f"{said}.{shown}")
