"""What a real ad states, and whether it answers a wish."""

from fractions import Fraction
from random import Random
from typing import Any

import pytest

from models.training.judged.wishes import KINDS, Stated, Wish, draw_wish, share_of, stated_by

YES, NO, UNKNOWN = Fraction(1), Fraction(0), Fraction(1, 2)


def _at(locality: str = "", **fields: Any) -> dict[str, Any]:
    address = {"addressCountry": "US", **({"addressLocality": locality} if locality else {})}
    return {"jobLocation": {"@type": "Place", "address": address}, **fields}


def _paid(low: float | None, high: float | None) -> dict[str, Any]:
    return _at(baseSalary={"value": {"minValue": low, "maxValue": high}})


@pytest.mark.parametrize(
    ("posting", "kind", "value", "share"),
    [
        (_at("Austin"), "place", "austin", YES),
        (_at("Dallas"), "place", "austin", NO),
        (_at(), "place", "austin", UNKNOWN),
        (_at("Dallas", jobLocationType="TELECOMMUTE"), "place", "austin", UNKNOWN),
        (_at("Austin", jobLocationType="TELECOMMUTE"), "remote", "yes", YES),
        (_at("Austin"), "remote", "yes", NO),
        (_at(), "remote", "yes", UNKNOWN),
        (_at(x_clearance="TOP Secret"), "clearance", "secret", NO),
        (_at(x_clearance="Sensitive Compartmented"), "clearance", "top secret", YES),
        (_at(x_clearance="Secret clearance"), "clearance", "secret", YES),
        (_at(), "clearance", "secret", UNKNOWN),
        (_at(x_gs_grades=[9, 11]), "grade", "11", YES),
        (_at(x_gs_grades=[9, 11]), "grade", "1", NO),
        (_at(employmentType="PART_TIME"), "employment", "part time", YES),
        (_at(employmentType="FULL_TIME"), "employment", "part time", NO),
        (_at(employmentType="OTHER"), "employment", "part time", UNKNOWN),
        (_at(experienceRequirements="Entry level"), "level", "entry level", YES),
        (_at(experienceRequirements="Associate"), "level", "entry level", UNKNOWN),
        (_at(educationRequirements="Master's Degree"), "degree", "bachelors degree", NO),
        (_at(educationRequirements="Five pages about degrees"), "degree", "bachelors degree", UNKNOWN),
        (_paid(60_000, 80_000), "pay", "60000", YES),
        (_paid(50_000, 80_000), "pay", "60000", UNKNOWN),
        (_paid(40_000, 50_000), "pay", "60000", NO),
        (_paid(15, 20), "pay", "60000", UNKNOWN),  # an hour: not compared
        (_paid(60_000, None), "pay", "60000", UNKNOWN),
        ({}, "pay", "60000", UNKNOWN),
    ],
)
def test_share_of_a_wish(posting: dict[str, Any], kind: str, value: str, share: Fraction) -> None:
    """The table of the module, row by row."""
    assert share_of(Wish(kind, value), stated_by(posting)) == share


@pytest.mark.parametrize("seed", range(5))
def test_a_drawn_wish_is_answered_by_its_ad(seed: int) -> None:
    """Whatever kind is drawn, the ad that it was drawn from has share 1."""
    stated = stated_by(
        _at(
            "Austin",
            jobLocationType="TELECOMMUTE",
            x_clearance="Public Trust",
            x_gs_grades=[7],
            employmentType="TEMPORARY",
            experienceRequirements="Director",
            educationRequirements="Bachelor's Degree",
            baseSalary={"value": {"minValue": 61_234, "maxValue": 70_000}},
        )
    )
    rng = Random(seed)
    for kind in KINDS:
        drawn = draw_wish(rng, stated, kind)
        assert drawn is not None, kind
        wish, typed = drawn
        assert wish.kind == kind
        assert typed
        assert share_of(wish, stated) == YES


def test_nobody_wishes_what_is_not_stated_or_full_time() -> None:
    """No wish comes out of silence, out of "not remote", or out of full time."""
    assert all(draw_wish(Random(0), Stated({}), kind) is None for kind in KINDS)
    stated = stated_by(_at("Austin", employmentType="FULL_TIME"))
    assert draw_wish(Random(0), stated, "remote") is None
    assert draw_wish(Random(0), stated, "employment") is None
