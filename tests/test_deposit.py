"""Only regular files are opened, digests are of the content and remembered safely, and manifests are read strictly."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engagement_stats import deposit
from engagement_stats.deposit import Digests, LandedFile, Stated
from engagement_stats.errors import IngestError

LINE = "file,sha256,rows,columns\n"
SHA = "0123456789abcdef" * 4


def write(path: Path, text: str) -> LandedFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return LandedFile(path)


def refused(file: LandedFile) -> str:
    with pytest.raises(IngestError) as caught, deposit.opened(file, "w"):
        pytest.fail("it was opened")
    return str(caught.value)


# --- opening


def test_a_file_below_its_root_is_opened(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "b" / "f.csv", "abc").path
    for root in (tmp_path, tmp_path / "a", tmp_path / "a" / "b"):
        with deposit.opened(LandedFile(path, root=root), "w") as source:
            assert os.read(source.descriptor, 9) == b"abc"
            assert source.size == 3
            assert not os.get_inheritable(source.descriptor)
    (tmp_path / "way").symlink_to(tmp_path / "a")
    # The root is the user's own; how they lead to it is theirs.
    with deposit.opened(LandedFile(tmp_path / "way" / "b" / "f.csv", root=tmp_path / "way"), "w"):
        pass


def test_nothing_is_opened_outside_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "out" / "f.csv", "secret")
    root = tmp_path / "in"
    root.mkdir()
    (root / "link.csv").symlink_to(tmp_path / "out" / "f.csv")
    (root / "way").symlink_to(tmp_path / "out")
    (root / "loop.csv").symlink_to(root / "loop.csv")
    (root / "zero.csv").symlink_to("/dev/zero")
    opened: list[str] = []
    whole = os.open

    def noted(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(str(path))
        return whole(path, *arguments, **options)

    monkeypatch.setattr(os, "open", noted)
    for name, words in {
        "link.csv": "Got a link", "way/f.csv": "Got a link on the way to it", "loop.csv": "Got a link",
        "zero.csv": "Got a link", "../out/f.csv": "Got a path out of the landing folder",
    }.items():  # fmt: skip
        assert words in refused(LandedFile(root / name, root=root))
    assert set(opened) == {str(root)}


def test_a_pipe_a_folder_and_a_device_are_refused_unopened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (tmp_path / "folder", "a folder"),
                       (Path("/dev/zero"), "a device")):  # fmt: skip
        before = time.monotonic()
        assert f"Got {kind}; expected a regular file" in refused(LandedFile(path))
        if path.is_relative_to(tmp_path):
            assert f"Got {kind}; expected a regular file" in refused(LandedFile(path, root=tmp_path))
        assert time.monotonic() - before < 1


def test_a_folder_put_in_a_file_s_place_after_the_look_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "f.csv", "abc")
    regular = file.path.stat()
    file.path.unlink()
    os.mkfifo(file.path)
    monkeypatch.setattr(os, "stat", lambda *a, **o: regular)
    # Opening a pipe to read waits for a writer, unless it is opened not to.
    assert "Got a named pipe" in refused(file)


def test_a_closed_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "f.csv", "abc")

    def closed(*_: Any, **__: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", closed)
    assert refused(file) == "w: the file cannot be opened. Give its reader permission."


# --- digests


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let the clock run ahead by some seconds."""
    now = time.time_ns

    def ahead(seconds: float) -> None:
        monkeypatch.setattr(time, "time_ns", lambda: now() + int(seconds * 1e9))

    return ahead


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often content is hashed."""
    times: list[int] = []
    whole = hashlib.file_digest

    def noted(*arguments: Any) -> Any:
        times.append(1)
        return whole(*arguments)

    monkeypatch.setattr(hashlib, "file_digest", noted)
    return times


def test_a_digest_is_of_the_content_and_not_of_the_name(tmp_path: Path) -> None:
    a, b, c = (Digests().of(write(tmp_path / n, t), "w") for n, t in (("a", "abc"), ("b", "abc"), ("c", "abd")))
    # The SHA-256 of "abc", FIPS 180-2 appendix B.1.
    assert a == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert a == b != c


def test_a_file_is_digested_again_only_when_it_has_changed(
    tmp_path: Path, later: Callable[[float], None], counted: list[int]
) -> None:
    later(10)
    digests, file = Digests(), write(tmp_path / "a.csv", "abc")
    first = digests.of(file, "w")
    assert [digests.of(file, "w"), digests.of(file, "w")] == [first, first]
    assert len(counted) == 1
    # The same size at another moment, another file of the same moment and size, another size.
    about = file.path.stat()
    os.utime(file.path, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert digests.of(file, "w") == first
    write(tmp_path / "b.csv", "abd").path.replace(file.path)
    os.utime(file.path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert digests.of(file, "w") == hashlib.sha256(b"abd").hexdigest()
    with file.path.open("r+") as handle:
        handle.write("abe")
    os.utime(file.path, ns=(about.st_atime_ns, about.st_mtime_ns))  # written in place, and its time put back
    assert digests.of(file, "w") == hashlib.sha256(b"abe").hexdigest()
    with file.path.open("a") as handle:
        handle.write("e")
    assert digests.of(file, "w") == hashlib.sha256(b"abee").hexdigest()


def test_an_unchanged_file_is_not_read_again_by_a_later_run(
    tmp_path: Path, later: Callable[[float], None], counted: list[int]
) -> None:
    notes = tmp_path / "private" / "digests.json"
    notes.parent.mkdir()
    file = write(tmp_path / "a.csv", "abc")
    later(10)
    first = Digests(notes)
    found = first.of(file, "w")
    first.save()
    assert notes.stat().st_mode & 0o777 == 0o600
    assert Digests(notes).of(file, "w") == found
    assert len(counted) == 1
    assert [p.name for p in notes.parent.iterdir()] == ["digests.json"]


def test_a_file_changed_just_now_is_digested_again(
    tmp_path: Path, later: Callable[[float], None], counted: list[int]
) -> None:
    digests, file = Digests(), write(tmp_path / "a.csv", "abc")
    for seconds, times in ((0, 1), (1, 2), (-100, 3), (3, 4), (3, 4)):
        later(seconds)
        digests.of(file, "w")
        assert len(counted) == times


@pytest.mark.parametrize("noted", ["", "[]", "{", '{"a": 1}', '{"a": [[1], 2]}', "\x00"])
def test_notes_that_cannot_be_read_are_no_notes(tmp_path: Path, noted: str) -> None:
    notes = write(tmp_path / "digests.json", noted).path
    file = write(tmp_path / "a.csv", "abc")
    assert Digests(notes).of(file, "w") == hashlib.sha256(b"abc").hexdigest()


def test_notes_of_files_that_are_gone_are_dropped_and_no_folder_is_made(
    tmp_path: Path, later: Callable[[float], None]
) -> None:
    later(10)
    notes, (a, b) = tmp_path / "digests.json", (write(tmp_path / n, n) for n in "ab")
    digests = Digests(notes)
    for file in (a, b):
        digests.of(file, "w")
    a.path.unlink()
    digests.save()
    assert list(json.loads(notes.read_text())) == [str(b.path)]
    elsewhere = Digests(tmp_path / "none" / "digests.json")
    elsewhere.of(b, "w")
    elsewhere.save()
    assert not (tmp_path / "none").exists()


# --- the manifest


def test_a_manifest_is_read(tmp_path: Path) -> None:
    assert deposit.manifest(tmp_path) == {}
    write(tmp_path / "manifest.csv", f"\ufeff{LINE}a.tab,{SHA},10,3\nsub/b.sav,,20,\n\nz.zip,{SHA},,\n")
    assert deposit.manifest(tmp_path) == {
        "a.tab": Stated(SHA, 10, 3), "sub/b.sav": Stated(rows=20), "z.zip": Stated(SHA),
    }  # fmt: skip


@pytest.mark.parametrize(("text", "words"), [
    ("", "the first line is wrong"),
    ("file,rows\na,1\n", "the first line is wrong. Expected file,sha256,rows,columns."),
    (f"{LINE}a,,1\n", "1 line(s) are wrong. line 2 has 3 fields instead of 4"),
    (f"{LINE}../a,,1,\n", "line 2 does not name a file below the landing folder"),
    (f"{LINE}/a,,1,\n", "line 2 does not name a file"),
    (f"{LINE}a//b,,1,\n", "line 2 does not name a file"),
    (f"{LINE},,1,\n", "line 2 does not name a file"),
    (f"{LINE}a,,1,\na,,2,\n", "line 3 names a file that an earlier line names"),
    (f"{LINE}a,{SHA.upper()},,\n", "line 2 has a sha256 that is not 64 hexadecimal digits in lower case"),
    (f"{LINE}a,{SHA[1:]},,\n", "line 2 has a sha256"),
    (f"{LINE}a,,-1,\n", "line 2 has a number of rows or columns that is not a whole number"),
    (f"{LINE}a,,1.0,\n", "line 2 has a number"),
    (f"{LINE}a,,,1e3\n", "line 2 has a number"),
    (f"{LINE}a,,,\nb,,,\n", "2 line(s) are wrong. line 2 states nothing of its file; line 3 states nothing"),
    (f'{LINE}"a,,1,\n', "is not CSV"),
])  # fmt: skip
def test_a_manifest_is_read_strictly(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path / "manifest.csv", text)
    with pytest.raises(IngestError) as caught:
        deposit.manifest(tmp_path)
    assert str(caught.value).startswith("manifest.csv: ")
    assert words in str(caught.value)


def test_a_manifest_that_is_no_text_a_link_or_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(LINE.encode() + b"caf\xe9,,1,\n")
    with pytest.raises(IngestError, match="not CSV in UTF-8"):
        deposit.manifest(tmp_path)
    monkeypatch.setattr(deposit, "LARGEST_MANIFEST", 10)
    with pytest.raises(IngestError, match="too large"):
        deposit.manifest(tmp_path)
    path.unlink()
    path.symlink_to(write(tmp_path / "other.csv", LINE).path)
    with pytest.raises(IngestError, match="Got a link"):
        deposit.manifest(tmp_path)


def test_a_file_is_held_to_its_digest_and_a_member_to_its_zip_s(tmp_path: Path) -> None:
    plain = LandedFile(tmp_path / "a", stated=Stated(SHA))
    member = LandedFile(tmp_path / "z", "a", stated=Stated("1" * 64), archive=Stated(SHA))
    for file in (plain, member):
        deposit.check_digest(file, SHA, "w")
        with pytest.raises(IngestError, match=f"w: the file is not the one manifest.csv states. Got sha256 {'2' * 64}"):
            deposit.check_digest(file, "2" * 64, "w")
    deposit.check_digest(LandedFile(tmp_path / "a"), SHA, "w")


def test_a_file_is_held_to_its_size() -> None:
    deposit.check_size(Stated(), "x", "w", rows=1, columns=2)
    deposit.check_size(Stated(rows=1, columns=2), "x", "w", rows=1, columns=2)
    with pytest.raises(IngestError, match=r"^w: the file does not have the number of rows that x states\. Got 1; exp"):
        deposit.check_size(Stated(rows=2), "x", "w", rows=1, columns=2)
    with pytest.raises(IngestError, match=r"number of columns that x states. Got 2; expected 3,000"):
        deposit.check_size(Stated(rows=1, columns=3000), "x", "w", rows=1, columns=2)
