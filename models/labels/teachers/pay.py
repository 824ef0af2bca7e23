"""What a query wants to be paid, and what a posting pays, both a year. Pure.

A year has 2,080 hours, 260 days, 52 weeks and 12 months. A sum without a unit is one of a year from 10,000 on, of an
hour below 200, and not understood in between.
"""

import re
from dataclasses import dataclass

__all__ = ["Pay", "read_asked_pay", "read_stated_pay"]

_A_YEAR = {"hour": 2080, "hr": 2080, "h": 2080, "day": 260, "week": 52, "month": 12, "year": 1, "yr": 1, "annum": 1}
_LEAST_YEARLY, _MOST_HOURLY, _LEAST_PLUS = 10_000, 200, 1_000
_SYMBOLS = {"$": "", "£": "GBP", "€": "EUR"}  # a dollar is of many countries
_NUMBER = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?"
_UNIT = r"(?:\s*(?:/|per\b|an?\b)\s*(?P<unit>hour|hr|h|day|week|month|year|yr|annum)\b)?"
_ASKED = re.compile(
    rf"(?P<cue>\b(?:salary|pay|paying|paid|earning|from|over|above|min|minimum|at least)\s+(?:of\s+|from\s+)?)?"
    rf"(?P<symbol>[$£€])?(?<![\w.,-])(?P<number>{_NUMBER})(?P<k>\s?k\b)?(?P<plus>\s?\+)?{_UNIT}",
    re.IGNORECASE,
)
_STATED = re.compile(
    rf"(?:(?P<currency>[A-Za-z]{{3}})\s)?(?P<low>{_NUMBER})(?:-(?P<high>{_NUMBER}))?(?:/(?P<unit>\w+))?"
)
_NO_PAY = frozenset({"401", "403"})
"""The American pension plans."""


@dataclass(frozen=True, slots=True)
class Pay:
    """Pay a year.

    Attributes:
        low: The least, of a query or a posting.
        high: The most; of a query the same.
        currency: Three letters; empty where it is not said.
    """

    low: float
    high: float
    currency: str = ""


def read_asked_pay(query: str) -> Pay | None:
    """The least that a query wants: ``50k``, ``£30,000``, ``$25 an hour``, ``21000+``, ``salary from 40000``.

    A bare number is pay from 10,000 on; below it may be hours, years or a grade.
    """
    for found in _ASKED.finditer(query):
        if found["k"] and found["number"] in _NO_PAY:
            continue
        amount = float(found["number"].replace(",", "")) * (1000 if found["k"] else 1)
        is_marked = bool(found["symbol"] or found["unit"] or found["k"])
        is_large = amount >= (_LEAST_PLUS if found["plus"] or found["cue"] else _LEAST_YEARLY)
        if (is_marked or is_large) and (yearly := _yearly(amount, found["unit"])):
            return Pay(yearly, yearly, _SYMBOLS.get(found["symbol"] or "", ""))
    return None


def read_stated_pay(pay: str) -> Pay | None:
    """The pay that ``Facts.pay`` tells, ``CUR low-high/unit``; None where it is empty or of another form."""
    found = _STATED.fullmatch(pay.strip())
    if not found:
        return None
    low, high = (float(found[name].replace(",", "")) if found[name] else None for name in ("low", "high"))
    assert low is not None
    ends = sorted((low, low if high is None else high))
    yearly = [_yearly(end, found["unit"]) for end in ends]
    if yearly[0] is None or yearly[1] is None:
        return None
    return Pay(yearly[0], yearly[1], (found["currency"] or "").upper())


def _yearly(amount: float, unit: str | None) -> float | None:
    if unit:
        times = _A_YEAR.get(unit.lower())
        return amount * times if times and amount else None
    if amount >= _LEAST_PLUS and amount < _LEAST_YEARLY:
        return None
    if amount >= _LEAST_YEARLY:
        return amount
    return amount * _A_YEAR["hour"] if 0 < amount < _MOST_HOURLY else None
