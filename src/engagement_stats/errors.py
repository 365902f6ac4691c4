"""The errors users meet: one base class, one subclass per stage.

Belongs here: exception classes and the one way to list offenders in a message.
Not here: rendering for a terminal (cli), or deciding what is wrong (the stages).

A message reads *where: what is wrong. Got ...; expected .... What to do.* It names wave, variable and level,
lists at most five offenders and their total, and never holds a respondent's values.
"""

from collections.abc import Collection

LISTED = 5


class EngagementStatsError(ValueError):
    """Something a user can put right; every error of this package is one."""


class UsageError(EngagementStatsError):
    """The call itself is wrong, whatever the data: an option names something that does not exist."""


class CatalogueError(EngagementStatsError):
    """The catalogue contradicts itself or its schema; holds every problem found, one a line."""


class IngestError(EngagementStatsError):
    """A file cannot be read as the catalogue or the caller describes it."""


class CleaningError(EngagementStatsError):
    """A file's codes, columns or identifiers are not what the catalogue says."""


class WeightingError(EngagementStatsError):
    """A weight is missing, negative, not finite, or a margin cannot be met."""


class EstimationError(EngagementStatsError):
    """An estimate was asked for that the data or the design cannot give."""


class ComparisonError(EngagementStatsError):
    """Two estimates cannot be set side by side as asked."""


class DisclosureError(EngagementStatsError):
    """A result would reveal a small group of respondents, or a disclosure rule is not met."""


class DocumentError(EngagementStatsError):
    """A text that is to be checked cannot be read."""


class PublishError(EngagementStatsError):
    """A release cannot be built or put in place."""


class UnreadableReleaseError(PublishError):
    """A file under the name of a release is there and does not open as one."""


class LockedReleaseError(UnreadableReleaseError):
    """Another program has the released file open for writing."""


class ForeignFileError(UnreadableReleaseError):
    """What is under the name of a release is something else, and not ours to replace."""


class DamagedReleaseError(UnreadableReleaseError):
    """The file was a release, as far as can be told, and is damaged."""


class ExportError(EngagementStatsError):
    """A release cannot be written as files for others."""


class BriefError(EngagementStatsError):
    """A template asks for what it may not or what the release does not hold; holds every problem, one a line."""


def listed(offenders: Collection[object]) -> str:
    """Name at most five offenders and say how many there are.

    Parameters
    ----------
    offenders : collection
        Names, codes or levels (never a respondent's values), in the order to show them.

    Returns
    -------
    str
        The names separated by commas, with the total when some are left out.

    Examples
    --------
    >>> listed(["sex", "age"])
    'sex, age'
    >>> listed(range(7))
    '0, 1, 2, 3, 4 and 2 more (7 in all)'
    """
    names = [str(o) for o in offenders]
    if len(names) <= LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:LISTED])} and {len(names) - LISTED} more ({len(names)} in all)"
