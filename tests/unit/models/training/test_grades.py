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


@pytest.mark.parametrize(
    ("stated", "expected"), [({"shift": "nights"}, 1), ({"shift": "nights", "visa": "no"}, 0), ({}, 0)]
)
def test_a_neighbouring_occupation_is_slightly_relevant_if_it_meets_something(
    stated: dict[str, str], expected: int
) -> None:
    """The same family counts 1 where a wish is met and none denied."""
    assert grade(_query(("shift", "nights"), ("visa", "yes")), _posting("plumber", **stated)) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"shift": "nights", "visa": "yes"}, 4),
        ({"shift": "nights"}, 3),  # one met, the other not mentioned
        ({}, 2),  # nothing said
        ({"shift": "nights", "visa": "no"}, 1),  # one met, one contradicted
        ({"shift": "days"}, 0),  # one contradicted, one silent
        ({"shift": "days", "visa": "no"}, 0),
    ],
)
def test_same_occupation_is_graded_by_wishes_met_and_denied(stated: dict[str, str], expected: int) -> None:
    """4 for all, 3 for half and 2 for none where nothing is denied; 1 for some and 0 for none where something is."""
    assert grade(_query(("shift", "nights"), ("visa", "yes")), _posting(**stated)) == expected


def test_half_of_the_wishes_is_the_border_of_grade_three() -> None:
    """Two of three are more than half, one of three is less."""
    wishes = _query(("shift", "nights"), ("visa", "yes"), ("start", "now"))
    assert grade(wishes, _posting(shift="nights", visa="yes")) == 3
    assert grade(wishes, _posting(shift="nights")) == 2


@pytest.mark.parametrize(("highest", "share"), [("40", 1.0), ("45", 1.0), ("39", 0.0)])
def test_pay_meets_whoever_asks_for_no_more(highest: str, share: float) -> None:
    """The highest pay of a posting must reach what the searcher asks at least."""
    assert constraint_share(Constraint("pay", "40"), _posting(pay=highest)) == share


def test_a_place_is_its_city_its_region_and_its_country() -> None:
    """Who asks for a country is content with a city in it, not the other way round."""
    posting = GeneratedPosting("a", {}, "", "welder", "trades", {"place": frozenset({"Austin", "TX", "US"})}, ())
    shares = [constraint_share(Constraint("place", name), posting) for name in ("TX", "Austin", "Boston")]
    assert shares == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(("required", "share"), [("0", 1.0), ("3", 1.0), ("5", 0.0)])
def test_experience_meets_every_lower_requirement(required: str, share: float) -> None:
    """Who has three years may apply where fewer are asked, not where more are."""
    assert constraint_share(Constraint("experience", "3"), _posting(experience=required)) == share


def test_another_skill_is_silence_not_contradiction() -> None:
    """A posting that names one skill does not deny another."""
    assert constraint_share(Constraint("skill", "TIG welding"), _posting(skill="MIG welding")) == 0.5
