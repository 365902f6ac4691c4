"""The text of rich text documents is what a person would see, or the document is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement_stats.readers import rtf


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (rb"\pard Pos. = 1\tab x\par", "Pos. = 1\tx\n"),
        (
            rb"{\b Value = }{\cf4\fs16 -9.0" + b"\t" + rb"}{\cf1 Label = }{Refused\par }",
            "Value = -9.0\tLabel = Refused\n",
        ),
        (rb"-9.0 \cf1\fs16\ thru \cf4 -8.0", "-9.0  thru -8.0"),
        (rb"Sex \'96 \'a350 \emdash\rquote", "Sex \u2013 \xa350 \u2014\u2019"),
        (rb"\u8364?1 \uc0\u8364 2 \uc2\u233\'c3\'a93 {\uc0 \u233}\u233xy4", "\u20ac1 \u20ac2 \xe93 \xe9\xe94"),
        (rb"\u-10179?\u-8704?", "\U0001f600"),
        (rb"\{a\\b\}\~c\_d\-e", "{a\\b} c-de"),
        (b"a\r\nb\nc", "abc"),
        (rb"{\fonttbl{\f0 Arial;}}{\*\generator x;}{\info{\title t}}{\pict 00ff}seen{\header h}", "seen"),
        (rb"{\field{\*\fldinst HYPERLINK x}{\fldrslt shown}}", "shown"),
        (rb"one\line two\cell three\row", "one two\tthree\n"),
        (b"caf\xe9", "caf\xe9"),
    ],
)
def test_what_is_seen(body: bytes, seen: str) -> None:
    assert rtf.text(b"{\\rtf1\\ansi\\ansicpg1252 " + body + b"}") == seen


def test_the_code_page_is_the_document_s() -> None:
    assert rtf.text(rb"{\rtf1\ansi\ansicpg1250 \'b3}") == "\u0142"
    assert rtf.text(rb"{\rtf1\ansi \'b3}") == "\xb3"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"a", "does not begin"),
        (rb"{\rtf1 a", "is cut short"),
        (rb"{\rtf1 a}}", "goes on after its end"),
        (rb"{\rtf1 a} more", "goes on after its end"),
        (b"{\\rtf1 a\\", "ends in the middle of a sign"),
        (rb"{\rtf1 \'zz}", "ends in the middle of a sign"),
        (rb"{\rtf1\ansicpg999999 a}", "unknown code page"),
        (rb"{\rtf1 \'81}", "does not have"),
        (rb"{\rtf1 \bin5 abcde}", "holds binary data"),
        (b"{\\rtf1 " + b"{" * 100_000 + b"}" * 100_000 + b"}", "is nested too deeply"),
    ],
)
def test_what_is_no_sound_document_is_refused(document: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rtf.text(document)


def test_a_document_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtf, "MAX_TEXT", 1000)
    with pytest.raises(ValueError, match="holds more than 1,000 characters"):
        rtf.text(b"{\\rtf1 " + b"\\par" * 1001 + b"}")


@given(
    st.lists(
        st.sampled_from(["{", "}", "\\par", "\\u233 ", "\\'e9", "a", "\\*", "\\ansicpg1252", "\\", "\\info"]),
        max_size=30,
    )
)
def test_any_document_is_read_or_refused(parts: list[str]) -> None:
    try:
        rtf.text(("{\\rtf1" + "".join(parts)).encode())
    except ValueError as error:
        assert str(error).split()[0] in ("is", "ends", "goes", "closes")
