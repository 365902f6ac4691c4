"""What a valid vocabulary for reading texts is: the words by which a document speaks of what the catalogue knows.

Belongs here: the shape of reading.yaml.
Not here: the words themselves (data/reading.yaml), the keywords of an indicator (its own entry), number phrases
(words), and reading a sentence (engagement_stats.statements).
"""

from typing import Annotated

from pydantic import Field

from engagement_stats.catalogue.model import Entry, Id, Recall, Text

# A pattern: words in small letters; "*" ends a word any way, "..." stands for up to six words.
Patterns = Annotated[list[Text], Field(min_length=1)]


class Sentences(Entry):
    """Where a sentence ends: shortened words that end none, those that may, and words that open one."""

    shortened: list[Text] = Field(default_factory=list)
    may_end: list[Text] = Field(default_factory=list)
    openers: list[Text] = Field(default_factory=list)


class Directions(Entry):
    """Words that set two numbers against each other, by what they say of the first.

    Those of `similar` that are in `unclear` as well, spelt out, say only that no difference is clear; behind words in
    `multiplying` they say nothing. `leading` are those behind which stands what is measured by, not what is measured.
    """

    higher: list[Text] = Field(default_factory=list)
    lower: list[Text] = Field(default_factory=list)
    similar: list[Text] = Field(default_factory=list)
    unclear: list[Text] = Field(default_factory=list)
    multiplying: list[Text] = Field(default_factory=list)
    leading: list[Text] = Field(default_factory=list)


class People(Entry):
    """Words for people.

    `general` are nouns for everybody a survey speaks for, `plain` words that may stand before one and narrow nothing,
    `introduced_by` the words that lead to them ("36 per cent of ..."). Words that are `qualifying` behind them lead to
    a part, but for what is `linking` them to something known, and `no_part`. Any other people are a part of a
    population that must be known by name.
    """

    general: list[Text] = Field(default_factory=list)
    plain: list[Text] = Field(default_factory=list)
    introduced_by: list[Text] = Field(default_factory=list)
    qualifying: list[Text] = Field(default_factory=list)
    linking: list[Text] = Field(default_factory=list)
    no_part: list[Text] = Field(default_factory=list)
    narrowing: list[Text] = Field(default_factory=list)


class Reading(Entry):
    """The vocabulary; a list holds patterns unless it says otherwise.

    `populations` and `levels` say how whole populations (by geography) and levels (by domain) are called, `whole`
    words for all of whichever population is meant, and `unsaid` (geographies) those meant when none is named. `ages`
    has forms of bands. `contrasts` set two numbers against each other; those in `parting` only part them, the others
    name what a number is measured by. Directions in `changing` tell of a change in time. `ranks` are words for a
    place among others, `untold_times` times that are not followed. A sentence with `unasserted` words does not say
    that something is so, and `opinions` show what people think of it. `parts` lead to a part of people of whom a
    share is told, unless one of `shares` stands before them, and `predicates` behind an indicator show that a share
    is of those who did. A number in `not_statistics` is no share of people, one before `changes` or after
    `change_verbs` (words) the size of a change; a plain one behind `numbered` (words) names something. `not_places`
    are capitalised words that are no names of places.
    """

    sentences: Sentences = Sentences()
    recalls: dict[Recall, Patterns] = Field(default_factory=dict)
    populations: dict[Text, Patterns] = Field(default_factory=dict)
    whole: list[Text] = Field(default_factory=list)
    unsaid: list[Text] = Field(default_factory=list)
    levels: dict[Id, dict[Text, Patterns]] = Field(default_factory=dict)
    ages: dict[Text, Patterns] = Field(default_factory=dict)
    surveys: dict[Id, Patterns] = Field(default_factory=dict)
    series: dict[Id, Patterns] = Field(default_factory=dict)
    people: People = People()
    directions: Directions = Directions()
    changing: list[Text] = Field(default_factory=list)
    ranks: list[Text] = Field(default_factory=list)
    unasserted: list[Text] = Field(default_factory=list)
    opinions: list[Text] = Field(default_factory=list)
    parts: list[Text] = Field(default_factory=list)
    shares: list[Text] = Field(default_factory=list)
    contrasts: list[Text] = Field(default_factory=list)
    parting: list[Text] = Field(default_factory=list)
    in_order: list[Text] = Field(default_factory=list)
    previous: list[Text] = Field(default_factory=list)
    untold_times: list[Text] = Field(default_factory=list)
    referring: list[Text] = Field(default_factory=list)
    negations: list[Text] = Field(default_factory=list)
    predicates: list[Text] = Field(default_factory=list)
    who: list[Text] = Field(default_factory=list)
    not_statistics: list[Text] = Field(default_factory=list)
    changes: list[Text] = Field(default_factory=list)
    change_verbs: list[Text] = Field(default_factory=list)
    averages: list[Text] = Field(default_factory=list)
    numbered: list[Text] = Field(default_factory=list)
    not_places: list[Text] = Field(default_factory=list)
