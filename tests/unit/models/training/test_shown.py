"""What of a posting is shown to the ranker, and what is right of that."""

from dataclasses import replace
from random import Random

import pytest

from models.training.data import (
    Constraint,
    Fact,
    GeneratedPosting,
    GeneratedQuery,
    JudgedQuery,
    grade,
)
from models.training.ranker_curriculum import CURRICULUM
from models.training.shown import answers_on_the_way, ends_of_facts, excerpt, imperfectly_told, reduced


def test_a_stage_grades_what_it_shows(pool: list[GeneratedPosting], judged: list[JudgedQuery]) -> None:
    """An early stage grades what title and body say, a later one all that the query asks about."""
    rng = Random(2)
    for entry in judged:
        for posting in entry.candidates:
            query, shown = entry.query, reduced(rng, entry.query, posting, CURRICULUM[1])
            told = {kind: posting.values[kind] for kind in posting.values.keys() - posting.header_kinds | {"seniority"}}
            assert grade(query, shown) == grade(query, replace(posting, values=told))
            shown = reduced(rng, entry.query, posting, CURRICULUM[3])
            assert grade(query, shown) == grade(entry.query, posting)


def test_facts_are_mostly_told_perfectly_and_never_invented(pool: list[GeneratedPosting]) -> None:
    """Three in four are complete and in order; the others are made of phrases of the body or their beginnings."""
    rng = Random(3)
    told = [imperfectly_told(rng, posting.facts) for posting in pool]
    perfect = sum(facts == posting.facts for facts, posting in zip(told, pool, strict=True))
    assert 0.6 < perfect / len(pool) < 0.9
    for facts, posting in zip(told, pool, strict=True):
        assert all(any(true.phrase.startswith(fact.phrase) for true in posting.facts) for fact in facts)


def test_each_part_of_an_item_answers_for_itself() -> None:
    """Title for the occupation, header and facts for the wishes of their kinds; what nobody asked for says nothing."""
    wishes = (Constraint("shift", "nights"), Constraint("place", "Leeds"), Constraint("experience", "2"))
    query = GeneratedQuery("welder nights leeds 2 years", "welder", "trades", wishes)
    told = [Fact("shift", "nights", "n", "n"), Fact("experience", "5", "e", "e"), Fact("visa", "yes", "v", "v")]
    leeds, york = ({"place": frozenset({city}), "remote": frozenset({"no"})} for city in ("Leeds", "York"))
    same = GeneratedPosting("a", {}, "", "welder", "trades", leeds, ())
    assert answers_on_the_way(query, same, told) == [4, 4, 4, 0, 2]
    neighbour = GeneratedPosting("b", {}, "", "plumber", "trades", york, ())
    assert answers_on_the_way(query, neighbour, told[:1]) == [1, 0, 4]
    assert answers_on_the_way(query, GeneratedPosting("c", {}, "", "chef", "hospitality", {}, ()), []) == [0, 2]


@pytest.mark.parametrize("most", [1, 4])
def test_an_excerpt_tells_the_facts_that_stand_in_it(pool: list[GeneratedPosting], most: int) -> None:
    """Some sentences of the body as they stand there, mostly around a fact; what they do not say is not known of it."""
    rng = Random(6)
    shown = [excerpt(rng, posting, most) for posting in pool]
    assert 0.7 < sum(bool(part.facts) for part in shown) / len(pool) < 1
    for part, posting in zip(shown, pool, strict=True):
        assert part.body in posting.body
        assert len(part.body) < len(posting.body)
        assert set(part.facts) <= set(posting.facts)
        assert all(
            part.body[:end].endswith(fact.phrase) for fact, end in zip(part.facts, ends_of_facts(part), strict=True)
        )
        told = {fact.kind for fact in part.facts}
        assert part.values.keys() == told | (posting.header_kinds & posting.values.keys())
        assert all(part.values[fact.kind] >= {fact.value} for fact in part.facts)


def test_an_excerpt_of_a_whole_body_is_the_body() -> None:
    """Nothing is lost at its ends, and a body without facts can be cut too."""
    bare = GeneratedPosting("a", {}, "One. Two!\nThree", "welder", "trades", {"shift": frozenset({"days"})}, ())
    parts = {excerpt(Random(seed), bare, 3).body for seed in range(60)}
    assert parts == {"One.", "Two!", "Three", "One. Two!", "Two!\nThree", "One. Two!\nThree"}
    assert excerpt(Random(1), bare, 3).values == {}
