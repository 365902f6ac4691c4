"""Fill a briefing's template, Word or Markdown, from a release, with a footnote to every number.

`document.write` does it. docs/briefs.md says what a template may ask for.
"""

from engagement_stats.brief.document import Outcome, write

__all__ = ["Outcome", "write"]
