"""Queries whose occupation has a name that nobody knows."""

import re
from random import Random

from models.training.data import JudgedQuery, grade
from models.training.renamed import renamed
from models.training.unknown_words import UnknownWords

PIECES = [*(f" {letter}a" for letter in "qxzvjkwy"), *(f"{letter}o" for letter in "qxzvjkwy")]


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def test_titles_of_the_occupation_asked_for_have_words_of_the_query_and_no_others_do(judged: list[JudgedQuery]) -> None:
    """No known name is left in query or title, and the words in common are new ones."""
    rng, words = Random(3), UnknownWords(PIECES)
    several = 0
    for entry in judged:
        other = renamed(rng, words, entry)
        if other is entry:
            assert entry.query.wordings[1] not in entry.query.text, "only a misspelt one stays"
            continue
        several += 1
        assert entry.query.wordings[1].lower() not in other.query.text
        asked = words_of(other.query.text) - words_of(entry.query.text)
        for before, posting in zip(entry.candidates, other.candidates, strict=True):
            assert posting.posting["title"] != before.posting["title"]
            if posting.occupation == entry.query.occupation:
                assert words_of(posting.posting["title"]) & asked
            assert not posting.body
    assert several > 30


def test_wishes_decide_as_before_and_families_are_not_told(judged: list[JudgedQuery]) -> None:
    """The same occupation keeps its grade, any other has none."""
    for entry in judged:
        other = renamed(Random(4), UnknownWords(PIECES), entry)
        if other is entry:
            continue
        assert other.query.constraints == entry.query.constraints
        for at, (before, posting) in enumerate(zip(entry.candidates, other.candidates, strict=True)):
            is_same = posting.occupation == entry.query.occupation
            assert other.grades[at] == (entry.grades[at] if is_same else 0) == grade(other.query, posting)
            assert (posting.facts, posting.values) == (before.facts, before.values)


def test_no_two_names_of_a_posting_are_taken_for_one(judged: list[JudgedQuery]) -> None:
    """Headers are kept by the job's id: it changes with the title."""
    rng, words = Random(5), UnknownWords(PIECES)
    entry = next(entry for entry in judged if renamed(rng, words, entry) is not entry)
    one, two = (renamed(rng, words, entry).candidates[0] for _ in range(2))
    assert one.posting["title"] != two.posting["title"]
    assert one.job_id != two.job_id
    assert one.job_id != entry.candidates[0].job_id
