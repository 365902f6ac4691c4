"""Take the lines of text out of a PDF, as data dictionaries of the UK Data Service come.

Belongs here: pages and their text, and what is refused of a PDF.
Not here: what the text says, and lines that a page broke in two (dictionary).
"""

from contextlib import closing
from pathlib import Path

MAX_PAGES, MAX_TEXT = 5_000, 64 << 20


def lines(path: Path) -> list[str]:
    """Return the lines of a PDF, one page after another.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of str
        In the order in which the file draws them. Spaces between words may be fewer or more than on the page.

    Raises
    ------
    ValueError
        Encrypted, damaged, without text (a scan, for example), or larger than a dictionary is.
    """
    # Only the child process that reads a PDF may load the parser of it, which is in C.
    import pypdfium2
    from pypdfium2 import raw

    found: list[str] = []
    size = 0
    try:
        with pypdfium2.PdfDocument(path) as document:
            if len(document) > MAX_PAGES:
                raise ValueError(f"has more than {MAX_PAGES:,} pages")
            for number in range(len(document)):
                with closing(document[number]) as page, closing(page.get_textpage()) as text:
                    size += text.count_chars()
                    if size > MAX_TEXT:
                        raise ValueError(f"holds more than {MAX_TEXT:,} characters")
                    found.extend(text.get_text_range().splitlines())
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        raise ValueError("is encrypted" if locked else "is damaged") from None
    if not any(line.strip() for line in found):
        raise ValueError("holds no text, as a scan does not")
    return found
