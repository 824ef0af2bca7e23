"""What a real ad states, what a searcher may ask beside the occupation, and whether the one answers the other. Pure.

| kind       | stated by                              | share                                                        |
|------------|----------------------------------------|--------------------------------------------------------------|
| place      | locality of ``jobLocation``            | 1 the same; 1/2 none named, or a remote job; otherwise 0     |
| remote     | ``jobLocationType``                    | 1 remote; 0 where a locality is named instead                |
| pay        | ``baseSalary``, from 10,000 on: yearly | 1 its lowest is enough; 1/2 only its highest; 0 neither      |
| clearance  | ``x_clearance``                        | 1 the same level, otherwise 0                                |
| grade      | ``x_gs_grades``                        | 1 among them, otherwise 0                                    |
| employment | ``employmentType``                     | 1 the same, otherwise 0; full time is not asked for          |
| level      | ``experienceRequirements`` of EMSCAD   | 1 the same, otherwise 0; Associate, Not Applicable: not said |
| degree     | ``educationRequirements`` of EMSCAD    | 1 the same, otherwise 0; Unspecified: not said               |

What is not said has share 1/2. Amounts are compared without their currencies (EMSCAD has none). Clearance and grade
stand in the body and not in the header, so a ranker finds them only in the summary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

__all__ = ["KINDS", "Stated", "Wish", "draw_wish", "draw_wishes", "share_of", "stated_by"]

_LEAST_YEARLY = 10_000
_PAY_STEP = 5_000
_YES, _NO, _UNKNOWN = Fraction(1), Fraction(0), Fraction(1, 2)

_EMPLOYMENT = {"PART_TIME": "part time", "CONTRACTOR": "contract", "TEMPORARY": "temporary", "FULL_TIME": "full time"}
_LEVELS = {
    "Internship": "internship",
    "Entry level": "entry level",
    "Mid-Senior level": "senior",
    "Director": "director",
    "Executive": "executive",
}
_DEGREES = {
    "High School or equivalent": "high school diploma",
    "Associate Degree": "associate degree",
    "Bachelor's Degree": "bachelors degree",
    "Master's Degree": "masters degree",
}
_NOT_ASKED = frozenset({("employment", "full time")})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked: ``value`` is as in :class:`Stated`; for pay, dollars a year as text."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Stated:
    """What an ad states; empty sets and None where it says nothing.

    Attributes:
        values: By kind, canonical values.
        pay: Lowest and highest, a year.
    """

    values: Mapping[str, frozenset[str]]
    pay: tuple[int, int] | None = None


KINDS = ("place", "remote", "pay", "clearance", "grade", "employment", "level", "degree")


def stated_by(posting: Mapping[str, Any]) -> Stated:
    """Read the structured fields of an ad."""
    address = posting.get("jobLocation", {}).get("address", {})
    locality = address.get("addressLocality", "").casefold()
    is_remote = posting.get("jobLocationType") == "TELECOMMUTE"
    found = {
        "place": locality,
        "remote": "yes" if is_remote else ("no" if locality else ""),
        "clearance": _clearance(posting.get("x_clearance", "")),
        "employment": _EMPLOYMENT.get(posting.get("employmentType", ""), ""),
        "level": _LEVELS.get(posting.get("experienceRequirements", ""), ""),
        "degree": _DEGREES.get(posting.get("educationRequirements", ""), ""),
    }
    values = {kind: frozenset({value}) for kind, value in found.items() if value}
    if grades := posting.get("x_gs_grades"):
        values["grade"] = frozenset(str(grade) for grade in grades)
    return Stated(values, _yearly_pay(posting.get("baseSalary", {})))


def _clearance(phrase: str) -> str:
    phrase = phrase.casefold()
    if "top secret" in phrase or "sensitive compartmented" in phrase:
        return "top secret"
    return next((level for level in ("secret", "public trust") if level in phrase), "")


def _yearly_pay(salary: Mapping[str, Any]) -> tuple[int, int] | None:
    amounts = salary.get("value", {})
    low, high = amounts.get("minValue"), amounts.get("maxValue")
    if low is None or high is None or not _LEAST_YEARLY <= low <= high:
        return None
    return int(low), int(high)


def share_of(wish: Wish, stated: Stated) -> Fraction:
    """1 where the ad answers the wish, 0 where it says otherwise, 1/2 where it does not say."""
    values = stated.values.get(wish.kind, frozenset())
    if wish.kind == "pay":
        return _pay_share(int(wish.value), stated.pay)
    if wish.kind == "place":
        if wish.value in values:
            return _YES
        is_remote = "yes" in stated.values.get("remote", ())
        return _NO if values and not is_remote else _UNKNOWN
    if not values:
        return _UNKNOWN
    return _YES if wish.value in values else _NO


def _pay_share(least: int, pay: tuple[int, int] | None) -> Fraction:
    if pay is None or pay[0] < least <= pay[1]:
        return _UNKNOWN
    return _YES if pay[0] >= least else _NO


def draw_wishes(rng: Random, stated: Stated, numbers: Sequence[int]) -> list[tuple[Wish, str]]:
    """Wishes of different kinds that an ad answers, as many as one of the numbers says or as it answers."""
    drawn = [draw_wish(rng, stated, kind) for kind in rng.sample(KINDS, len(KINDS))]
    return [wish for wish in drawn if wish][: rng.choice(numbers)]


def draw_wish(rng: Random, stated: Stated, kind: str) -> tuple[Wish, str] | None:
    """A wish of the kind that an ad answers in full, and how a searcher may type it; None where it answers none."""
    if kind == "pay":
        if stated.pay is None:
            return None
        least = stated.pay[0] // _PAY_STEP * _PAY_STEP
        typed = rng.choice((f"{least // 1000}k", f"{least // 1000}k+", f"salary from {least}"))
        return Wish(kind, str(least)), typed
    values = sorted(value for value in stated.values.get(kind, ()) if value != "no" and (kind, value) not in _NOT_ASKED)
    if not values:
        return None
    value = rng.choice(values)
    return Wish(kind, value), rng.choice(_typed(kind, value))


def _typed(kind: str, value: str) -> tuple[str, ...]:
    if kind == "place":
        return value, f"in {value}", f"near {value}"
    if kind == "remote":
        return "remote", "work from home", "telework"
    if kind == "clearance":
        return (f"{value} clearance", value) if value != "public trust" else (value,)
    if kind == "grade":
        return f"gs-{value}", f"gs {value}", f"grade {value}"
    return (value,)
