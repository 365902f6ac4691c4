"""Write the Word template of the seed briefing from the Markdown one, so that the two ask for the same.

Run it after a change of docs/examples/seed_briefing.md: `python docs/examples/seed_briefing_word.py`. It knows
headings and paragraphs, which is all that template has. Not here: filling a template; see docs/briefs.md.
"""

import re
from datetime import datetime
from pathlib import Path

import docx
from docx.shared import Cm, Pt

HERE = Path(__file__).parent
TEMPLATE = HERE / "seed_briefing.md"
WORD = HERE / "seed_briefing.docx"
# Fixed, so that the same Markdown gives the same document.
WRITTEN = datetime(2020, 9, 22)


def blocks(text: str) -> list[tuple[int, str]]:
    """Split Markdown into (level of heading or 0, text)."""
    found = []
    for block in re.split(r"\n{2,}", text.strip()):
        marks = re.match(r"(#*) *", block)
        level = len(marks[1]) if marks else 0
        found.append((level, " ".join(block.lstrip("# ").split())))
    return found


def document(text: str) -> "docx.document.Document":
    """Make the Word document of a Markdown template."""
    made = docx.Document()
    page = made.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Cm(2.5)
    made.styles["Normal"].font.name, made.styles["Normal"].font.size = "Calibri", Pt(11)
    for level, words in blocks(text):
        if level:
            made.add_heading(words, level - 1)
        else:
            made.add_paragraph(words)
    page.footer.paragraphs[0].text = "Release {{ release_id }}, built {{ built_on }}"
    properties = made.core_properties
    properties.title, properties.author, properties.comments = "Civic engagement: template", "", ""
    properties.created = properties.modified = WRITTEN
    return made


if __name__ == "__main__":
    document(TEMPLATE.read_text(encoding="utf-8")).save(str(WORD))
