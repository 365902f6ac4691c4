"""The encoding of a statistical file's text, and text that is not in it.

Belongs here: by what a file is read, and the refusal of text that was decoded wrongly.
Not here: text files (text), what a file declares (headers, spss_header).

What the catalogue or the caller declares stands in place of what the file declares; a file that declares nothing is
UTF-8. UTF-8 is decoded here: the parser drops, without a word, what it takes for half a letter at the end of a text,
and that is every accented letter at the end of a Latin-1 word.
"""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from engagement_stats.errors import IngestError
from engagement_stats.readers.model import Format

UNDECLARED = "utf-8"
# One character for every byte: text read so can be put back into its bytes.
BYTES = "ISO-8859-1"
DECODED_HERE: tuple[Format, ...] = ("sav", "dta")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# What the parser says, or Python of what the parser gave.
WRONG_ENCODING = ("convert string", "character set", "codec can't decode")


@dataclass(frozen=True, slots=True)
class Encoding:
    """By what a file's text is read.

    `name` is the encoding (None where only the parser knows what the file declares), `declared` whether the file or the
    caller says so, `ours` whether the text is decoded here and comes from the parser as bytes.
    """

    where: str
    name: str | None
    declared: bool
    ours: bool
    parser: str | None

    def text(self, found: str, what: str) -> str:
        """Return text of the parser's as it is in the file.

        Raises
        ------
        IngestError
            It is not in this encoding; `what` says whose text it is.
        """
        if found.isascii():
            return found
        if self.ours:
            found = self._utf8(found.encode(BYTES), what)
        if REPLACEMENT in found:
            raise IngestError(
                f"{self.where}: {what} holds the mark of a character that was lost (U+FFFD). Deposit a copy made "
                "without loss, or declare the encoding of the file."
            )
        if self.name and not self.ours and _reads_as_utf8(found, self.name):
            raise IngestError(
                f"{self.where}: {what} is UTF-8 and not {self.name}, which the file is read by. Declare the right "
                "encoding in a copy of the file, or deposit it again."
            )
        return found

    def _utf8(self, content: bytes, what: str) -> str:
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            # A letter cut in half by whoever made the file, after others that are UTF-8, is dropped.
            if error.reason == "unexpected end of data" and not content[: error.start].isascii():
                return content[: error.start].decode("utf-8")
        raise self.refusal(what)

    def name_for_parser(self, name: str) -> str:
        """Return the name of a variable as the parser knows it."""
        return name.encode("utf-8").decode(BYTES) if self.ours else name

    def texts(self, found: Iterable[str], what: str) -> dict[str, str]:
        """Return some different texts, each with what it is in the file."""
        return {text: self.text(text, what) for text in found}

    def refusal(self, what: str) -> IngestError:
        """Return the error for text that is not in this encoding."""
        if self.declared:
            problem = f"{what} is not in the encoding {self.name or 'that the file declares'}"
        else:
            problem = f"the file does not declare the encoding of its text, and {what} is not UTF-8"
        return IngestError(
            f"{self.where}: {problem}. Declare its encoding (cp1252 for most older files) in its catalogue entry or "
            "with --encoding, or deposit it again."
        )


def chosen(asked: str, declared: str | None, kind: Format, where: str) -> Encoding:
    """Return by what a file is read.

    Parameters
    ----------
    asked : str
        What the catalogue or the caller declares, "utf-8" if nothing.
    declared : str or None
        What the file declares: a name, "" where only the parser knows it.
    kind : Format
    where : str
        What an error message names.
    """
    name: str | None = asked if asked != UNDECLARED else declared
    if name is None:
        name = UNDECLARED
    if _is_utf8(name) and kind in DECODED_HERE:
        return Encoding(where, "UTF-8", declared is not None, ours=True, parser=BYTES)
    own = name == declared
    parser = None if own else codecs.lookup(name).name
    return Encoding(where, name or None, own or asked != UNDECLARED, ours=False, parser=parser)


def _is_utf8(name: str) -> bool:
    try:
        return codecs.lookup(name).name == "utf-8"
    except LookupError:
        return False


def _reads_as_utf8(text: str, encoding: str) -> bool:
    """Say whether text is UTF-8 that was read as another encoding.

    Text of Latin letters hardly ever turns, as a whole, into valid UTF-8 when it is put back into its bytes. A short
    Chinese, Korean or Thai word often does, but into letters of other languages, which its encoding mostly lacks.
    """
    try:
        read = text.encode(encoding).decode("utf-8")
        if _is_utf8(encoding):
            return False
        width = len("\N{LATIN SMALL LETTER E WITH ACUTE}".encode(encoding, "ignore"))
        if width == 1:
            return True
        # GB18030 has every letter there is.
        read.encode("gbk" if codecs.lookup(encoding).name == "gb18030" else encoding)
    except (LookupError, UnicodeError):
        return False
    many = len("\N{CJK UNIFIED IDEOGRAPH-4E00}".encode(encoding, "ignore")) > 1
    return not many or any(len(letter.encode()) > 2 for letter in read)
