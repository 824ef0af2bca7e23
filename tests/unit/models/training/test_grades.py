"""The rules of relevance."""

import pytest

from models.training.data import Constraint, GeneratedPosting, GeneratedQuery, grade
from models.training.data.grades import constraint_share


def _posting(occupation: str = "welder", family: str = "trades", **values: str) -> GeneratedPosting:
    stated = {kind: frozenset({value}) for kind, value in values.items()}
    return GeneratedPosting("a", {}, "", occupation, family, stated, ())


def _query(*wishes: tuple[str, str]) -> GeneratedQuery:
    return GeneratedQuery("welder", "welder", "trades", tuple(Constraint(kind, value) for kind, value in wishes))


def test_another_family_is_never_relevant() -> None:
    """Meeting every wish does not help a job of another family."""
    assert grade(_query(("shift", "nights")), _posting("chef", "hospitality", shift="nights")) == 0


@pytest.mark.parametrize(("shift", "expected"), [("nights", 1), ("days", 0)])
def test_a_neighbouring_occupation_is_slightly_relevant_if_it_meets_half(shift: str, expected: int) -> None:
    """The same family counts 1 where at least half of the wishes are met."""
    assert grade(_query(("shift", "nights")), _posting("plumber", shift=shift)) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"shift": "nights", "visa": "yes"}, 4),
        ({"shift": "nights"}, 3),  # the other not mentioned: 3/4
        ({"shift": "nights", "visa": "no"}, 2),  # one met, one contradicted: 1/2
        ({}, 2),  # nothing said: 1/2
        ({"shift": "days"}, 1),  # one contradicted, one silent: 1/4
        ({"shift": "days", "visa": "no"}, 1),
    ],
)
def test_same_occupation_is_graded_by_the_share_of_wishes_met(stated: dict[str, str], expected: int) -> None:
    """4 for all, 3 from two thirds, 2 from one third, otherwise 1; silence counts half."""
    assert grade(_query(("shift", "nights"), ("visa", "yes")), _posting(**stated)) == expected


def test_two_of_three_wishes_make_exactly_two_thirds() -> None:
    """The border of grade 3 is not lost to floating point."""
    wishes = _query(("shift", "nights"), ("visa", "yes"), ("start", "now"))
    assert grade(wishes, _posting(shift="nights", visa="yes", start="quarter")) == 3
    assert grade(wishes, _posting(shift="nights", visa="no", start="quarter")) == 2


@pytest.mark.parametrize(("required", "share"), [("0", 1.0), ("3", 1.0), ("5", 0.0)])
def test_experience_meets_every_lower_requirement(required: str, share: float) -> None:
    """Who has three years may apply where fewer are asked, not where more are."""
    assert constraint_share(Constraint("experience", "3"), _posting(experience=required)) == share


def test_another_skill_is_silence_not_contradiction() -> None:
    """A posting that names one skill does not deny another."""
    assert constraint_share(Constraint("skill", "TIG welding"), _posting(skill="MIG welding")) == 0.5
