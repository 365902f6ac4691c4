"""A header that its file contradicts is refused before the parser in C sees the file; a true one is not."""

import struct
import time
from pathlib import Path

import hostile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement_stats.errors import IngestError
from engagement_stats.readers import headers, spss_header
from engagement_stats.readers.model import Format

DAMAGED = "Deposit the file again as the producer delivered it."


def written(tmp_path: Path, content: bytes, name: str = "f.sav") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refused(tmp_path: Path, content: bytes, kind: Format = "sav") -> str:
    """Return the message with which a file is refused for its header."""
    begun = time.monotonic()
    with pytest.raises(IngestError) as caught:
        headers.check(written(tmp_path, content, f"f.{kind}"), kind, "wave f")
    assert time.monotonic() - begun < 20
    message = str(caught.value)
    assert message.startswith("wave f: ")
    assert hostile.CANARY not in message
    return message


def accepted(tmp_path: Path, content: bytes, kind: Format = "sav") -> headers.Stated:
    return headers.check(written(tmp_path, content, f"f.{kind}"), kind, "wave f")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("good")
    made = {kind: hostile.survey_file(folder / f"f.{kind}") for kind in ("sav", "zsav", "dta", "por", "xpt")}
    made["plain"] = hostile.survey_file(folder / "plain.sav", compressed=False)
    return {name: path.read_bytes() for name, path in made.items()}


KINDS: dict[str, Format] = {"sav": "sav", "zsav": "sav", "plain": "sav", "dta": "dta", "por": "por", "xpt": "xpt"}


# --- every format


@pytest.mark.parametrize("name", list(KINDS))
def test_a_good_file_is_accepted(good: dict[str, bytes], tmp_path: Path, name: str) -> None:
    stated = accepted(tmp_path, good[name], KINDS[name])
    assert stated.rows == (None if name in ("por", "xpt") else 400)


@pytest.mark.parametrize("name", ["zsav", "plain", "dta", "por", "xpt"])
def test_a_file_cut_anywhere_is_refused_by_its_header_alone(good: dict[str, bytes], tmp_path: Path, name: str) -> None:
    for percent, cut in hostile.truncations(good[name]):
        assert refused(tmp_path, cut, KINDS[name]), percent
    # What ends a portable file is one letter, to the end of the line; without the last of them nothing is lost.
    for missing in (8, 9, 64, 512) if name != "por" else (90, 512):
        assert refused(tmp_path, good[name][:-missing], KINDS[name]), missing


@pytest.mark.parametrize("name", ["zsav", "plain", "dta", "por", "xpt"])
def test_a_file_that_something_follows_is_refused(good: dict[str, bytes], tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, good[name] * 2, KINDS[name])
    assert refused(tmp_path, good[name] + hostile.random_bytes(4096), KINDS[name])


# --- SPSS: what kills, fills or stalls the parser


@pytest.mark.parametrize("position", [0, 2, -1, 2**31 - 1])
def test_labels_of_a_variable_that_is_not_there_are_found_before_they_kill(tmp_path: Path, position: int) -> None:
    assert refused(tmp_path, hostile.segfault_sav(position)) == (
        "wave f: value labels of the SPSS dictionary belong to a variable that does not exist. "
        f"Got {position}; expected a place from 1 to 1. {DAMAGED}"
    )


def test_labels_of_the_continuation_of_a_text_are_of_no_variable(tmp_path: Path) -> None:
    def labelled(place: int) -> bytes:
        records = hostile.sav_variable("T", 16) + hostile.sav_variable("X")
        records += hostile.sav_labels([(1.0, b"Yes")], [place])
        return hostile.sav_header(3) + records + hostile.SAV_END + b"text".ljust(16) + hostile.numbers(1.0)

    assert "does not exist. Got 2;" in refused(tmp_path, labelled(2))
    assert accepted(tmp_path, labelled(3)).rows == 1


@pytest.mark.parametrize("compression", [0, 1])
def test_a_few_bytes_that_claim_millions_of_rows_are_refused(tmp_path: Path, compression: int) -> None:
    message = refused(tmp_path, hostile.claiming_sav(2**28, compression))
    assert "the file is cut short" in message
    assert "expected the 268435456 that its header states" in message


def test_more_variables_than_the_parser_can_take_are_refused(tmp_path: Path) -> None:
    assert "more than 10000 variables" in refused(tmp_path, hostile.wide_sav(10_001))
    assert accepted(tmp_path, hostile.wide_sav(5_000)).rows == 1


def test_a_bomb_is_refused_by_what_its_blocks_say_they_hold(tmp_path: Path) -> None:
    message = refused(tmp_path, hostile.zsav_bomb())
    assert "claim to inflate to 20000000" in message
    # A real file deflates too.
    assert accepted(tmp_path, hostile.zsav(1000)).rows == 1000


@pytest.mark.parametrize(
    "lie",
    [
        {"blocks": 2**31 - 1}, {"blocks": -1}, {"blocks": 0}, {"uncompressed": 2**31 - 1}, {"uncompressed": -1},
        {"uncompressed": 0}, {"compressed": 2**31 - 1}, {"compressed": -1}, {"compressed": 0}, {"trailer": 2**62},
        {"trailer": -1}, {"trailer": 0},
    ],
    ids=str,
)  # fmt: skip
def test_false_blocks_of_a_compressed_file_are_refused(tmp_path: Path, lie: dict[str, int]) -> None:
    assert "compressed SPSS file" in refused(tmp_path, hostile.zsav(1000, **lie))


# --- SPSS: what the parser accepts without a word


@pytest.mark.parametrize("rows", [0, 1, 200, 399, 401, 10**9])
def test_rows_other_than_the_bytes_hold_are_refused(good: dict[str, bytes], tmp_path: Path, rows: int) -> None:
    message = refused(tmp_path, hostile.with_rows(good["plain"], rows))
    assert f"Got 400 rows; expected the {rows} that its header states" in message
    assert ("holds more than its header says" in message) == (rows < 400)


@pytest.mark.parametrize("name", ["sav", "plain", "zsav"])
@pytest.mark.parametrize("rows", [-2, -(2**31)])
def test_a_number_of_rows_that_cannot_be_is_refused(
    good: dict[str, bytes], tmp_path: Path, name: str, rows: int
) -> None:
    assert f"Got {rows}; expected 0 or more" in refused(tmp_path, hostile.with_rows(good[name], rows))


def test_an_unknown_number_of_rows_stays_unknown_and_a_part_of_a_row_is_seen(
    good: dict[str, bytes], tmp_path: Path
) -> None:
    unknown = hostile.with_rows(good["plain"], -1)
    assert accepted(tmp_path, unknown).rows is None
    assert "the data end inside a row" in refused(tmp_path, unknown[:-9])
    # Whole rows may be missing, which only a manifest or the catalogue's number of rows can tell.
    row = spss_header.read(written(tmp_path, unknown), "f").elements * 8
    assert accepted(tmp_path, unknown[: -row * 100]).rows is None


@pytest.mark.parametrize("bias", [0.0, 99.0, 1e308, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["sav", "plain"])
def test_a_bias_that_shifts_codes_is_refused(good: dict[str, bytes], tmp_path: Path, name: str, bias: float) -> None:
    assert "a bias that would shift every code" in refused(
        tmp_path, hostile.patched(good[name], hostile.BIAS_AT, "<d", bias)
    )


def test_two_labels_of_one_code_are_refused_and_the_same_twice_is_not(tmp_path: Path) -> None:
    def twice(first: bytes, second: bytes) -> bytes:
        return hostile.small_sav(hostile.sav_labels([(1.0, first), (1.0, second)], [1]))

    assert "variable X has 1 code(s) with two different labels" in refused(tmp_path, twice(b"Yes", b"No"))
    assert accepted(tmp_path, twice(b"Yes", b"Yes")).rows == 1
    two_codes = hostile.small_sav(hostile.sav_labels([(1.0, b"Yes"), (1.0000000001, b"Yes")], [1]))
    assert accepted(tmp_path, two_codes).rows == 1


def test_labels_of_numbers_and_of_text_at_once_are_refused(tmp_path: Path) -> None:
    records = hostile.sav_variable("T", 8) + hostile.sav_variable("X") + hostile.sav_labels([(1.0, b"Yes")], [1, 2])
    file = hostile.sav_header(2) + records + hostile.SAV_END + b"text    " + hostile.numbers(1.0)
    assert "to numbers and to text at once" in refused(tmp_path, file)


NAN, LOWEST = float("nan"), -1.7976931348623155e308


@pytest.mark.parametrize(
    ("low", "high", "good"), [(9, 1, False), (NAN, NAN, False), (1, NAN, False), (LOWEST, -1, True), (1, 1, True)]
)
def test_a_range_of_missing_codes_runs_forwards(tmp_path: Path, low: float, high: float, good: bool) -> None:
    variable = hostile.sav_variable("X", missing=(low, high), ranged=True)
    file = hostile.sav_header() + variable + hostile.SAV_END + hostile.numbers(1.0)
    if good:
        assert accepted(tmp_path, file).rows == 1
    else:
        assert "variable X declares a range of missing codes that runs backwards" in refused(tmp_path, file)


@pytest.mark.parametrize("stated", [b"X=99999", b"X=300", b"Y=300", b"X=8", b"X=abc"])
def test_a_very_long_text_is_there_in_the_length_stated(tmp_path: Path, stated: bytes) -> None:
    text = hostile.sav_variable("X", 8)
    file = hostile.sav_header() + text + hostile.sav_extension(14, stated + b"\0\t") + hostile.SAV_END + b"abcdefgh"
    assert "the very long text" in refused(tmp_path, file)


DAMAGE = {
    "no variables": hostile.sav_header(0, 0) + hostile.SAV_END,
    "no end": hostile.sav_header() + hostile.sav_variable("X"),
    "a text too wide": hostile.sav_header() + hostile.sav_variable("X", 256) + hostile.SAV_END,
    "a negative width": hostile.sav_header() + hostile.sav_variable("X", -2) + hostile.SAV_END,
    "a continuation of nothing": hostile.sav_header() + hostile.sav_variable("X", -1) + hostile.SAV_END,
    "no continuation": hostile.sav_header() + hostile.sav_variable("X", 16)[:32] + hostile.SAV_END,
    "four missing codes": hostile.sav_header() + hostile.sav_variable("X", missing=(1, 2, 3, 4)) + hostile.SAV_END,
    "labels without end": hostile.small_sav(hostile.sav_labels([(1.0, b"Yes")], [1], count=2**31 - 1)),
    "a negative number of labels": hostile.small_sav(hostile.sav_labels([(1.0, b"Yes")], [1], count=-1)),
    "labels of nobody": hostile.small_sav(hostile.sav_labels([(1.0, b"Yes")], [1])[:-8] + struct.pack("<ii", 5, 1)),
    "labels of too many": hostile.small_sav(hostile.sav_labels([(1.0, b"Yes")], [1] * 9)),
    "an endless extension": hostile.small_sav(hostile.sav_extension(13, b"abcd", count=2**31 - 1)),
    "a negative extension": hostile.small_sav(hostile.sav_extension(7, b"abcd", size=-1, count=-4)),
    "an unknown record": hostile.small_sav(struct.pack("<i", 77)),
    "a compression that is none": hostile.patched(hostile.small_sav(), hostile.COMPRESSION_AT, "<i", 3),
    "a layout that is none": hostile.patched(hostile.small_sav(), 64, "<i", 4),
    "half a header": hostile.small_sav()[:100],
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_dictionary_is_refused(tmp_path: Path, damage: str) -> None:
    assert refused(tmp_path, DAMAGE[damage]).endswith(DAMAGED)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_change_of_a_dictionary_leads_to_anything_but_a_refusal_of_ours(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    records = hostile.sav_variable("Q", missing=(-9.0, -1.0), ranged=True, label=b"Have you?")
    records += hostile.sav_variable("T", 16) + hostile.sav_labels([(1.0, b"Yes"), (2.0, b"No")], [1])
    records += hostile.sav_extension(13, b"Q=question\tT=text") + hostile.sav_encoding()
    file = bytearray(hostile.sav_header(3, 1) + records + hostile.SAV_END + hostile.numbers(1.0) + b"a" * 16)
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(64, len(file) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(file)))
    path = tmp_path_factory.getbasetemp() / "changed.sav"
    path.write_bytes(bytes(file[: cut or None]))
    try:
        assert headers.check(path, "sav", "f").rows in (None, 1)
    except IngestError as error:
        assert str(error).startswith("f: ")


def test_a_file_of_the_other_byte_order_is_read(tmp_path: Path) -> None:
    head = b"$FL2" + b" " * 60 + struct.pack(">iiiiid", 2, 1, 0, 0, 1, 100.0) + b" " * 84
    variable = struct.pack(">iiiiii8s", 2, 0, 0, 0, 0x050802, 0x050802, b"X")
    assert accepted(tmp_path, head + variable + struct.pack(">iid", 999, 0, 7.0)).rows == 1


@pytest.mark.parametrize(
    ("records", "declared"),
    [
        ((), None),
        ((hostile.sav_encoding(b"windows-1252"),), "windows-1252"),
        ((hostile.sav_extension(3, struct.pack("<8i", 1, 2, 3, 0, 1, 1, 2, 65001), 4, 8),), "UTF-8"),
        # "8-bit" says that letters outside ASCII are there, and not which.
        ((hostile.sav_extension(3, struct.pack("<8i", 1, 2, 3, 0, 1, 1, 2, 3), 4, 8),), None),
    ],
)
def test_the_encoding_a_file_declares(tmp_path: Path, records: tuple[bytes, ...], declared: str | None) -> None:
    dictionary = hostile.sav_variable("X") + b"".join(records)
    path = written(tmp_path, hostile.sav_header() + dictionary + hostile.SAV_END + hostile.numbers(1.0))
    assert spss_header.read(path, "f").encoding == declared


# --- Stata, SAS, portable files


def test_a_hundred_bytes_that_would_spin_for_ever_are_refused(tmp_path: Path) -> None:
    assert len(hostile.hanging_dta()) == 101
    assert "the header states no columns" in refused(tmp_path, hostile.hanging_dta(), "dta")
    one_column = hostile.hanging_dta()[:4] + struct.pack("<hi", 1, 1_300_000_000) + hostile.hanging_dta()[10:]
    assert "expected the 1300000000 rows of 1 columns" in refused(tmp_path, one_column, "dta")
    negative = hostile.hanging_dta()[:4] + struct.pack("<hi", -1, -1) + hostile.hanging_dta()[10:]
    assert refused(tmp_path, negative, "dta")


@pytest.mark.parametrize("rows", [2**31 - 1, 10**6])
def test_a_stata_file_that_claims_more_rows_than_bytes_is_refused(
    good: dict[str, bytes], tmp_path: Path, rows: int
) -> None:
    at = good["dta"].index(b"<N>") + 3
    assert f"expected the {rows} rows" in refused(tmp_path, hostile.patched(good["dta"], at, "<I", rows), "dta")


@pytest.mark.parametrize("part", [b"<release>119", b"<byteorder>LSF", b"<K>", b"<N>", b"<map>"])
def test_a_stata_file_without_a_part_of_its_header_is_refused(
    good: dict[str, bytes], tmp_path: Path, part: bytes
) -> None:
    assert part in good["dta"]
    assert "its header is damaged" in refused(tmp_path, good["dta"].replace(part, b"<" + b"x" * (len(part) - 1)), "dta")


def test_a_sas_file_is_as_long_as_its_pages(tmp_path: Path) -> None:
    def sas(pages: int, wide: bool) -> bytes:
        head = bytearray(1024)
        head[32], head[35], head[37] = (0x33 if wide else 0x22), 0x33, 1
        struct.pack_into("<IIQ" if wide else "<III", head, 200, 1024, 512, pages)
        return bytes(head)

    for wide in (False, True):
        assert accepted(tmp_path, sas(3, wide) + b"\0" * 512 * 3, "sas7bdat").rows is None
        for held in (0, 512, 512 * 3 - 1, 512 * 3 + 1, 512 * 4):
            assert "expected the 3 pages of 512 bytes" in refused(tmp_path, sas(3, wide) + b"\0" * held, "sas7bdat")
    assert "its header is damaged" in refused(tmp_path, b"\0" * 200, "sas7bdat")


def test_a_transport_file_of_two_data_sets_is_refused(good: dict[str, bytes], tmp_path: Path) -> None:
    assert "more than one data set" in refused(tmp_path, good["xpt"] * 2, "xpt")
    # From the second member on, as SAS writes two data sets into one file.
    second = good["xpt"][good["xpt"].index(b"HEADER RECORD*******MEMBER") :]
    assert "more than one data set" in refused(tmp_path, good["xpt"] + second, "xpt")


def test_what_a_cut_transport_file_cannot_show_is_left_to_the_manifest(good: dict[str, bytes], tmp_path: Path) -> None:
    data_at = good["xpt"].index(b"HEADER RECORD*******OBS ") + 80
    cuts = range(data_at + 80, len(good["xpt"]), 80)
    passed = []
    for cut in cuts:
        try:
            passed.append(accepted(tmp_path, good["xpt"][:cut], "xpt"))
        except IngestError:
            continue
    # A cut between two rows, or where a row has only blanks left, cannot be seen; it states no rows either.
    assert len(passed) < len(cuts) / 10
    assert all(stated.rows is None for stated in passed)


def test_a_transport_file_that_describes_nothing_is_refused(good: dict[str, bytes], tmp_path: Path) -> None:
    assert refused(tmp_path, b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!".ljust(80), "xpt")
    at = good["xpt"].index(b"HEADER RECORD*******NAMESTR") + 54
    unnumbered = good["xpt"][:at] + b"many" + good["xpt"][at + 4 :]
    assert "its header is damaged" in refused(tmp_path, unnumbered, "xpt")
