"""Small PDFs, drawn sign for sign where a test wants them."""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 842


@dataclass(frozen=True)
class Drawn:
    """Text at a place on a page, in points from its lower left corner. `font` is "F" (Helvetica) or "C" (Courier)."""

    x: float
    y: float
    text: str
    size: float = 10
    font: str = "F"


def pdf(pages: Sequence[Sequence[Drawn]]) -> bytes:
    """Write a PDF whose pages show these texts, in this order."""
    fonts = [
        b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>" % name
        for name in (b"Helvetica", b"Courier")
    ]
    kids = b" ".join(b"%d 0 R" % (5 + 2 * i) for i in range(len(pages)))
    tree = b"<< /Type /Pages /Count %d /Kids [%s] /MediaBox [0 0 595 %d] >>" % (len(pages), kids, HEIGHT)
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", tree, *fonts]
    for i, page in enumerate(pages):
        content = b"\n".join(map(_shown, page))
        objects += [
            b"<< /Type /Page /Parent 2 0 R /Resources << /Font << /F 3 0 R /C 4 0 R >> >> /Contents %d 0 R >>"
            % (6 + 2 * i),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    entries = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
    return out + end % (size, entries, size, len(out))


def _shown(drawn: Drawn) -> bytes:
    text = drawn.text.encode("cp1252")
    for sign in (b"\\", b"(", b")"):
        text = text.replace(sign, b"\\" + sign)
    return b"BT /%s %g Tf %g %g Td (%s) Tj ET" % (drawn.font.encode(), drawn.size, drawn.x, drawn.y, text)


def locked(content: bytes) -> bytes:
    """Say of a PDF that a password opens it."""
    filler = b"00" * 32
    entry = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00> <00>]" % (filler, filler)
    return content.replace(b"/Root 1 0 R", b"/Root 1 0 R " + entry)
