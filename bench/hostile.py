"""What becomes of every file of some folders: `make hostile`, or `python -m bench.hostile FOLDER...`.

Belongs here: reading each file as `ingest` reads it, two at a time, and the table of outcomes; what no file may cause.
Not here: what the outcome of a file should be (tests), and any reading (engagement_stats).

Each file is read in a process of its own with a temporary folder of its own, so that the memory, the processes and the
files of one reading are known. The command fails if a file crashes or hangs the reading, takes more memory than
allowed, or leaves anything behind. A file that is refused is not a failure: look whether it should be, with the column
`expected` where the folder has an index.csv of its files.
"""

import argparse
import csv
import ctypes
import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from engagement_stats import ingest
from engagement_stats.errors import EngagementStatsError

SECONDS, MEGABYTES = 20.0, 1500
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of Linux: orphans of a reading come to the process that counts them
GRACE, AT_ONCE = 10.0, 2


@dataclass
class Outcome:
    """What became of one file."""

    file: str
    outcome: str = "crashed"  # read, refused, crashed or hung
    rows: int | None = None
    columns: int | None = None
    seconds: float = 0.0
    megabytes: int = 0
    left: str = ""
    message: str = ""
    expected: str = ""

    @property
    def fault(self) -> bool:
        """Whether the file did what no file may."""
        heavy = self.seconds > SECONDS or self.megabytes > MEGABYTES
        return self.outcome not in ("read", "refused") or heavy or bool(self.left)


def one(path: Path, temporary: str) -> Outcome:
    """Read one file in this process, which is thrown away afterwards."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    tempfile.tempdir = os.environ["TMPDIR"] = temporary
    found, start = Outcome(str(path)), time.monotonic()
    try:
        frame = ingest.read(path).frame
        found.outcome, found.rows, found.columns = "read", *frame.shape
    except EngagementStatsError as error:
        found.outcome, found.message = "refused", str(error)
    except Exception as error:  # a fault of ours: no other error may leave the library
        found.message = f"{type(error).__name__}: {error}"
    found.seconds = round(time.monotonic() - start, 2)
    found.megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    found.left = ", ".join(sorted(p.name for p in Path(temporary).iterdir()))
    try:
        os.waitpid(-1, os.WNOHANG)
        found.left += " a process"
    except ChildProcessError:
        pass
    return found


@dataclass
class Running:
    """A file being read in a process of its own, forked so that it need not start anew."""

    path: Path
    folder: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)
    answer: int = -1
    process: int = 0
    deadline: float = 0.0

    def start(self) -> "Running":
        """Begin."""
        self.answer, sending = os.pipe()
        self.process, self.deadline = os.fork(), time.monotonic() + SECONDS + GRACE
        if self.process == 0:
            try:
                os.write(sending, json.dumps(asdict(one(self.path, self.folder.name))).encode())
            finally:
                os._exit(0)
        os.close(sending)
        return self

    def outcome(self) -> Outcome | None:
        """Return what became of the file, None while it is not known."""
        late = time.monotonic() > self.deadline
        if late:
            os.kill(self.process, 9)
        if os.waitpid(self.process, 0 if late else os.WNOHANG)[0] == 0:
            return None
        with os.fdopen(self.answer) as answer:
            content = answer.read()
        self.folder.cleanup()
        if content:
            return Outcome(**json.loads(content))
        return Outcome(str(self.path), "hung" if late else "crashed", seconds=SECONDS + GRACE if late else 0.0)


def outcomes_of(paths: Sequence[Path]) -> list[Outcome]:
    """Read every file, two at a time."""
    waiting, running, found = list(reversed(paths)), [], []
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            running.append(Running(waiting.pop()).start())
        time.sleep(0.005)
        for reading in list(running):
            outcome = reading.outcome()
            if outcome is not None:
                running.remove(reading)
                found.append(outcome)
    return sorted(found, key=lambda o: o.file)


def files_of(folder: Path) -> Iterator[Path]:
    """Every file below a folder that is not an index of the others, links and pipes among them."""
    for base, _, names in os.walk(folder):
        yield from (Path(base) / name for name in sorted(names) if not name.startswith("index"))


def expectations(folder: Path) -> dict[str, str]:
    """Return what the indexes of a folder, or beside it, say that a correct reader does with each file."""
    found = {}
    for index in sorted([*folder.glob("index*.csv"), *folder.parent.glob("index*.csv")]):
        with index.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                found[str((index.parent / row["file"]).absolute())] = row.get("expected", "")
    return found


def report(outcomes: Sequence[Outcome]) -> str:
    """Return the counts by suffix and the faults, as Markdown."""
    suffixes = sorted({Path(o.file).suffix.lower() for o in outcomes})
    lines = [
        "| suffix | files | read | refused | faults | slowest (s) | largest (MB) |",
        "|---|---|---|---|---|---|---|",
    ]
    for suffix in suffixes:
        of = [o for o in outcomes if Path(o.file).suffix.lower() == suffix]
        counts = Counter(o.outcome for o in of)
        lines.append(
            f"| {suffix or 'none'} | {len(of)} | {counts['read']} | {counts['refused']} | {sum(o.fault for o in of)} "
            f"| {max(o.seconds for o in of):.1f} | {max(o.megabytes for o in of)} |"
        )
    faults = [
        f"- {o.file}: {o.outcome}, {o.seconds} s, {o.megabytes} MB. {o.left} {o.message}" for o in outcomes if o.fault
    ]
    return "\n".join([*lines, "", f"{len(outcomes)} files, {len(faults)} faults.", *faults])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--table", type=Path, help="write a line for every file to this CSV file")
    asked = parser.parse_args(arguments)
    expected: dict[str, str] = {}
    paths: list[Path] = []
    for folder in asked.folders:
        expected |= expectations(folder)
        paths += files_of(folder)
    outcomes = outcomes_of(paths)
    for outcome in outcomes:
        outcome.expected = expected.get(str(Path(outcome.file).absolute()), "")
    if asked.table:
        with asked.table.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, [f.name for f in fields(Outcome)])
            writer.writeheader()
            writer.writerows(asdict(o) for o in outcomes)
    print(report(outcomes))
    return 1 if any(o.fault for o in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
