"""A zip archive is listed and unpacked only where it is what a data service sends; nothing lands outside."""

import hashlib
import io
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement_stats.errors import IngestError
from engagement_stats.readers import archive

TAB = b"a\tb\n1\t2\n"
UKDA = {
    "UKDA-9999-tab/": b"",
    "UKDA-9999-tab/tab/wave.tab": TAB,
    "UKDA-9999-tab/mrdoc/pdf/9999_guide.pdf": b"%PDF-1.4",
    "UKDA-9999-tab/mrdoc/ukda/wave_ukda_data_dictionary.rtf": b"{\\rtf1}",
    "UKDA-9999-tab/9999_file_information.rtf": b"{\\rtf1}",
    "__MACOSX/tab/._wave.tab": b"resource",
    "UKDA-9999-tab/.DS_Store": b"",
}
CENTRAL = b"PK\x01\x02"


def zipped(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def with_entry(change: Callable[[zipfile.ZipInfo], None]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        entry = zipfile.ZipInfo("tab/wave.tab")
        change(entry)
        made.writestr(entry, TAB)
    return out.getvalue()


def patched(content: bytes, at: int, value: bytes) -> bytes:
    """Change the directory's entry of the last member, `at` bytes into it."""
    where = content.rfind(CENTRAL) + at
    return content[:where] + value + content[where + len(value) :]


def special(kind: int) -> bytes:
    def change(entry: zipfile.ZipInfo) -> None:
        entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16

    return with_entry(change)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two levels below the temporary folder, so that a name leading out of it still leads to where we look."""
    inner = tmp_path / "landing" / "below"
    inner.mkdir(parents=True)
    return inner


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


def put(folder: Path, content: bytes) -> Path:
    path = folder / "study.zip"
    path.write_bytes(content)
    return path


def unpacked(path: Path, member: str) -> bytes:
    to = io.BytesIO()
    archive.extract(path, member, to, path.name)
    return to.getvalue()


def test_an_archive_as_the_data_service_sends_it(folder: Path) -> None:
    path = put(folder, zipped(UKDA))
    listed = archive.members(path, "study.zip")
    # Folders, hidden files and what a Mac adds hold no data.
    assert listed == [name for name in UKDA if not name.endswith(("/", "._wave.tab", ".DS_Store"))]
    assert archive.only_member(path, "study.zip") == "UKDA-9999-tab/tab/wave.tab"
    assert unpacked(path, "UKDA-9999-tab/tab/wave.tab") == TAB


def test_members_that_are_not_packed_are_copied(folder: Path) -> None:
    assert unpacked(put(folder, zipped({"a.csv": TAB}, zipfile.ZIP_STORED)), "a.csv") == TAB


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped({"../../evil.txt": b"x", "tab/wave.tab": TAB}), "a name that leads out of the archive (member 1)"),
        (zipped({"tab/wave.tab": TAB, "tab/../../evil.txt": b"x"}), "a name that leads out of the archive (member 2)"),
        (zipped({"/tmp/evil.txt": b"x"}), "a name that leads out of the archive"),
        (zipped({"C:/evil.txt": b"x"}), "a name that leads out of the archive"),
        (zipped({"..\\..\\evil.txt": b"x"}), "a name that leads out of the archive"),
        (zipped({"tab/wa\x07ve.tab": b"x"}), "a name that is not plain text"),
        (zipped({"tab/wave.tab\u202e": b"x"}), "a name that is not plain text"),
        (special(0o120000), "a link or device (member 1)"),
        (special(0o010000), "a link or device (member 1)"),
        (special(0o020000), "a link or device (member 1)"),
        (zipped({"tab/wave.tab": TAB, "TAB/Wave.tab": TAB}), "two members of one name"),
        (zipped({"inner.ZIP": zipped({"a.csv": TAB})}), "an archive within (member 1)"),
        (zipped({"a.csv.gz": b"x"}), "an archive within (member 1)"),
        (patched(zipped({"a.csv": TAB}), 8, b"\x01\x00"), "a password (member 1)"),
        (zipped({"a.csv": TAB}, zipfile.ZIP_LZMA), "a way of packing other than deflate (member 1)"),
        (zipped({"a.csv": TAB}, zipfile.ZIP_BZIP2), "a way of packing other than deflate (member 1)"),
        (zipped({"a.csv": b"\0" * 20_000_000}), "more unpacked than its packed bytes can honestly hold (member 1)"),
        (patched(zipped({"a.csv": TAB}), 24, b"\xf0\xff\xff\xff"), "more unpacked than its packed bytes"),
    ],
    ids=["slip", "slip within", "absolute", "drive", "backslash", "control", "bidi", "link", "pipe", "device",
         "duplicate", "nested", "gzip", "encrypted", "lzma", "bzip2", "bomb", "declared 4 GB"],
)  # fmt: skip
def test_an_archive_with_a_suspect_member_is_refused_whole(folder: Path, content: bytes, message: str) -> None:
    path = put(folder, content)
    before = tree(folder.parent.parent)
    for attempt in (archive.members, archive.only_member):
        with pytest.raises(IngestError) as caught:
            attempt(path, "study.zip")
        assert str(caught.value).startswith("study.zip: the zip archive is refused. Got ")
        assert message in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    with pytest.raises(IngestError):
        unpacked(path, "tab/wave.tab")
    assert tree(folder.parent.parent) == before


def test_a_name_given_twice_is_refused(folder: Path) -> None:
    out = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "w") as made:
        made.writestr("tab/wave.tab", TAB)
        made.writestr("tab/wave.tab", TAB + TAB)
    with pytest.raises(IngestError, match="two members of one name"):
        archive.members(put(folder, out.getvalue()), "study.zip")


def test_a_name_that_hides_its_end_is_refused(folder: Path) -> None:
    """A NUL ends a name for some programs and not for others."""
    content = zipped({"tab/wave.tab?exe": TAB}).replace(b"wave.tab?exe", b"wave.tab\x00exe")
    with pytest.raises(IngestError, match="a name that is not plain text"):
        archive.members(put(folder, content), "study.zip")


def test_too_many_members_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped({f"{n}.txt": b"" for n in range(30)})
    monkeypatch.setattr(archive, "MAX_ENTRIES", 20)
    with pytest.raises(IngestError, match=r"too many members\. Got 30; expected at most 20"):
        archive.members(put(folder, content), "study.zip")
    monkeypatch.undo()
    # A directory too large to be one is not even read.
    monkeypatch.setattr(archive, "MAX_DIRECTORY", 200)
    with pytest.raises(IngestError, match="damaged, cut short or not one"):
        archive.members(put(folder, content), "study.zip")


@pytest.mark.parametrize("size", [100, len(TAB) - 1, len(TAB) + 1, 5_000])
def test_a_false_size_is_found_out_while_unpacking(folder: Path, size: int) -> None:
    path = put(folder, patched(zipped({"a.csv": TAB * (9 if size == 100 else 1)}), 24, struct.pack("<I", size)))
    with pytest.raises(IngestError, match=r"damaged, cut short or not one|is not what the archive says"):
        unpacked(path, "a.csv")


def test_more_than_stated_is_never_written(folder: Path) -> None:
    bomb = patched(zipped({"a.csv": b"\0" * 10_000_000}), 24, struct.pack("<I", 100))
    to = io.BytesIO()
    with pytest.raises(IngestError):
        archive.extract(put(folder, bomb), "a.csv", to, "study.zip")
    assert len(to.getvalue()) <= 100


def test_changed_bytes_are_found_out(folder: Path) -> None:
    content = bytearray(zipped({"a.csv": TAB * 50}, zipfile.ZIP_STORED))
    content[60] ^= 1
    with pytest.raises(
        IngestError, match=r"study\.zip: the zip archive is damaged, cut short or not one \(BadZipFile\)"
    ):
        unpacked(put(folder, bytes(content)), "a.csv")


@pytest.mark.parametrize("content", [b"", b"PK", b"a,b\n1,2\n", zipped(UKDA)[:-30], b"PK\x05\x06" + bytes(10)])
def test_what_is_no_archive_is_refused(folder: Path, content: bytes) -> None:
    with pytest.raises(IngestError, match="damaged, cut short or not one"):
        archive.members(put(folder, content), "study.zip")


@pytest.mark.parametrize(
    ("members", "got"),
    [({"a.sav": b"", "b.sav": b""}, "a.sav, b.sav"), ({"a.csv": b"", "a.tab": b""}, "a.csv, a.tab"),
     ({"readme.pdf": b""}, "no file of data")],
)  # fmt: skip
def test_an_archive_must_hold_one_file_of_data(folder: Path, members: dict[str, bytes], got: str) -> None:
    with pytest.raises(
        IngestError, match=f"which file of the zip archive is meant is not clear. Got {got}; expected one"
    ):
        archive.only_member(put(folder, zipped(members)), "study.zip")


def test_a_member_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(IngestError, match=r"study\.zip: the zip archive has no member tab/other\.tab"):
        unpacked(put(folder, zipped(UKDA)), "tab/other.tab")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_archive_gives_its_own_bytes_or_an_error_of_ours(data: st.DataObject) -> None:
    whole = bytearray(zipped({"a.csv": TAB, "b.txt": b"x" * 40}))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(1, len(whole)))])
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), damaged)
        try:
            contents = {name: unpacked(path, name) for name in archive.members(path, "study.zip")}
        except IngestError:
            return
    assert all(content in (TAB, b"x" * 40) for content in contents.values())
