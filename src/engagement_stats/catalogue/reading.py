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

    shortened: list[Text] = []
    may_end: list[Text] = []
    openers: list[Text] = []


class Directions(Entry):
    """Words that set two numbers against each other, by what they say of the first."""

    higher: list[Text] = []
    lower: list[Text] = []
    similar: list[Text] = []


class People(Entry):
    """Words for people.

    `general` are nouns for everybody a survey speaks for, `plain` words that may stand before one and narrow nothing,
    `introduced_by` the words that lead to them ("36 per cent of ..."). Any other people are a part of a population that
    must be known by name.
    """

    general: list[Text] = []
    plain: list[Text] = []
    introduced_by: list[Text] = []
    narrowing: list[Text] = []


class Reading(Entry):
    """The vocabulary; every list holds patterns but `sentences`."""

    sentences: Sentences = Sentences()
    recalls: dict[Recall, Patterns] = {}
    populations: dict[Text, Patterns] = {}
    whole: list[Text] = []
    levels: dict[Id, dict[Text, Patterns]] = {}
    ages: dict[Text, Patterns] = {}
    surveys: dict[Id, Patterns] = {}
    series: dict[Id, Patterns] = {}
    people: People = People()
    directions: Directions = Directions()
    significant: list[Text] = []
    contrasts: list[Text] = []
    previous: list[Text] = []
    referring: list[Text] = []
    negations: list[Text] = []
    predicates: list[Text] = []
    who: list[Text] = []
    not_statistics: list[Text] = []
    changes: list[Text] = []
    change_verbs: list[Text] = []
    averages: list[Text] = []
    not_places: list[Text] = []
