"""Records and fields are counted from the bytes, and what is uneven or badly quoted is refused by its line."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement_stats.errors import IngestError
from engagement_stats.readers import records

CANARY = "CANARY7731"


def refused(body: bytes, delimiter: str = ",") -> str:
    with pytest.raises(IngestError) as caught:
        records.measure(body, delimiter, "f")
    assert CANARY not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "delimiter", "shape"),
    [
        (b"a,b\n1,2\n", ",", (2, 4, 1)),
        (b"a,b\n1,2", ",", (2, 4, 1)),
        (b"a,b\r\n1,2\r\n\r\n3,4\r\n\n", ",", (2, 5, 2)),
        (b"a,b\r1,2\r\r3,4", ",", (2, 4, 2)),
        (b'a,b\n"1\r\n,2",3\n', ",", (2, 4, 1)),
        (b'"a\n,x",b\r\n1,2\r\n', ",", (2, 10, 1)),
        (b'a\tb\n"\t2\n', "\t", (2, 4, 1)),
        (b"a;b\n1,5;2\n", ";", (2, 4, 1)),
        (b"a,b", ",", (2, 3, 0)),
        (b"a\n1\n", ",", (1, 2, 1)),
        (b"\na,b\n", ",", (0, 1, 0)),
        (b"", ",", (0, 0, 0)),
    ],
)
def test_records_fields_and_the_header_are_counted(body: bytes, delimiter: str, shape: tuple[int, int, int]) -> None:
    found = records.measure(body, delimiter, "f")
    assert (found.fields, found.header_end, found.rows) == shape


def test_uneven_lines_are_named_by_their_numbers_in_the_file() -> None:
    body = b'a,b\n\n1,"x\ny"\n%s\n5,6\n7,8,9\n' % CANARY.encode()
    message = refused(body)
    assert message.startswith("f: 2 line(s) do not have the 2 fields the first line names. Got them at line(s) 5, 7.")
    many = refused(b"a,b\n" + b"1\n" * 9)
    assert "9 line(s)" in many
    assert "line(s) 2, 3, 4, 5, 6 and 4 more." in many


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (f'1,"{CANARY}\n2,3\n4,5\n', 2), (f'1,"{CANARY}"x\n2,3\n', 2), (f'1,2\n3,5"\n2,{CANARY}\n', 3),
        (f'1,"{CANARY}\n2,3\n4,"5\n', 4), ('1,"" ""\n', 2), ('1,""x""\n', 2), ('1,x""\n', 2), ('1,"x" \n', 2),
    ],
    ids=["never closed", "text after", "in a bare field", "two opened", "two fields in one", "bare between empties",
         "doubled in a bare field", "space after"],
)  # fmt: skip
def test_a_stray_quotation_mark_is_refused_with_its_line(body: str, line: int) -> None:
    message = refused(b"a,b\n" + body.encode())
    assert "a quotation mark is not closed, or stands inside a field that is not quoted" in message
    assert f"Got it at line {line};" in message


@pytest.mark.parametrize("body", [b"1,a\rb,2\n", b"1,2\r\r\n", b"1,2\r3,4\n", b"1,2\n3,4\r"])
def test_a_lone_carriage_return_splits_no_line_unnoticed(body: bytes) -> None:
    """A parser takes it for a line end, and one respondent becomes two."""
    assert "a carriage return stands alone among lines that end otherwise" in refused(b"a,b\n" + body)


def test_a_record_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_RECORD", 64)
    for body in (b"a,b\n1," + b"x" * 100 + b"\n", b'a,b\n1,"' + b"x\n" * 50 + b'"\n'):
        assert "the record at line 2 is longer than 64 bytes" in refused(body)
    assert records.measure(b"a,b\n" + b"1,2\n" * 1000, ",", "f").rows == 1000


CELL = r'(?:"(?:[^"]|"")*"|[^",\t\r\n]*)'


def plainly(text: str, delimiter: str) -> tuple[int, set[int]] | None:
    """Count by a grammar: (records after the first, numbers of fields), or None where quotes go astray."""
    cell = r"[^\t\r\n]*" if delimiter == "\t" else CELL.replace(r"\t", "")
    record = re.compile(rf"({cell}(?:{delimiter}{cell})*)(\r\n|\n|\r|$)")
    at, widths = 0, []
    while at < len(text):
        found = record.match(text, at)
        if found is None:
            return None
        if found[1]:
            widths.append(len(re.findall(rf"(?:^|{delimiter}){cell}", found[1])))
        at = found.end()
    return len(widths) - 1, set(widths)


@settings(max_examples=600, deadline=None)
@given(
    st.text(alphabet='"",\r\n\t;ab ', max_size=40), st.sampled_from(",\t"), st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([16, 1 << 20]),
)  # fmt: skip
def test_the_count_is_that_of_reading_character_by_character(text: str, sign: str, end: str, block: int) -> None:
    """Also where the text is counted in many small blocks."""
    text = f"a{sign}b{end}" + text.replace("\r", "").replace("\n", end)
    expected = plainly(text, sign)
    whole, records.MAX_RECORD = records.MAX_RECORD, block
    try:
        found = records.measure(text.encode(), sign, "f")
    except IngestError as error:
        assert expected is None or expected[1] != {2} or "longer than 16" in str(error)
    else:
        assert expected is not None
        assert found.rows == expected[0]
        assert expected[1] == {2}
    finally:
        records.MAX_RECORD = whole


def test_many_blocks_are_counted_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = random.Random(5)
    rows = [f'{n},"{"x" * made.randint(0, 9)}""\n{"y" * made.randint(0, 9)}"\r\n' for n in range(5000)]
    body = ("id,note\r\n" + "".join(rows)).encode()
    monkeypatch.setattr(records, "MAX_RECORD", 1000)
    assert records.measure(body, ",", "f").rows == 5000
    damaged = body.replace(b'\r\n4999,"', b'\r\n4999,x"')
    assert f"line {1 + 2 * 4999 + 1};" in refused(damaged)
