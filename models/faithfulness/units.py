"""Currencies, units, periods and halves of the day that stand beside numbers."""

import re

__all__ = ["AFTER", "BEFORE", "KINDS", "SCALES", "SCALE_WORDS", "Units", "canonical", "may_end_currency", "spellings"]

KINDS = ("currency", "measure", "period", "meridiem")
Units = tuple[str, str, str, str]
"""Canonical unit of each kind, in the order of ``KINDS``; empty where none is stated."""

_CURRENCIES = {
    "$": "$ us$ usd dollar dollars",
    "€": "€ eur euro euros",
    "£": "£ gbp pound pounds quid",
    "¥": "¥ jpy yen",
    "₹": "₹ inr rs rupee rupees",
    "chf": "chf franken francs",
    "cad": "cad cad$ c$",
    "aud": "aud aud$ a$",
    "sek": "sek",
    "nok": "nok",
    "dkk": "dkk",
    "pln": "pln zł",
}
_MEASURES = {
    "%": "% percent pct percentage",
    "minute": "minute minutes min mins",
    "hour": "hour hours hr hrs h hourly std stunden",
    "day": "day days daily tage",
    "week": "week weeks wk wks weekly wochen",
    "month": "month months mo mos monthly monate",
    "year": "year years yr yrs annum annual annually yearly jahre",
    "lb": "lb lbs pound pounds",
    "kg": "kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes",
    "km": "km kms kilometer kilometers kilometre kilometres",
    "mile": "mile miles mi",
    "foot": "foot feet ft",
}
_MERIDIEMS = {"am": "am a", "pm": "pm p"}
_PERIODS = {name: _MEASURES[name] for name in ("hour", "day", "week", "month", "year")}
_TABLES = {"currency": _CURRENCIES, "measure": _MEASURES, "period": _PERIODS, "meridiem": _MERIDIEMS}
_LAST_OF_CURRENCIES = frozenset(spelling[-1] for line in _CURRENCIES.values() for spelling in line.split())
_CANONICAL = {
    kind: {spelling: unit for unit, line in table.items() for spelling in line.split()}
    for kind, table in _TABLES.items()
}
SCALE_WORDS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9}
"""Power of ten of a word."""
SCALES = {"k": 3, "m": 6, "mm": 6, "mio": 6, "bn": 9} | SCALE_WORDS
"""Power of ten of a suffix (stands at the digits) or a word (after a blank)."""


def canonical(kind: str, spelling: str) -> str:
    """The unit that a folded spelling stands for; empty where it stands for none."""
    return _CANONICAL[kind].get(spelling, "")


def may_end_currency(text: str, end: int) -> bool:
    """Whether a currency may stand before a place of a text, told by one character: ``BEFORE`` takes longer."""
    last = text[end - 2 : end - 1] if text[end - 1 : end] == " " else text[end - 1 : end]
    return last != "" and (last.casefold() in _LAST_OF_CURRENCIES or not last.isascii())


def spellings(kind: str, unit: str) -> tuple[str, ...]:
    """Every spelling of a unit."""
    return tuple(_TABLES[kind][unit].split())


def _choice(kind: str) -> str:
    return "|".join(sorted(map(re.escape, _CANONICAL[kind]), key=len, reverse=True))


_END = r"(?![^\W_])"
BEFORE = re.compile(rf"(?<![^\W_])(?P<currency>{_choice('currency')})[ ]?$", re.IGNORECASE)
"""A currency right before a number; to be searched in the few characters before it."""
AFTER = re.compile(
    rf"(?:(?P<suffix>k|m|mm|mio|bn){_END}|[ -](?P<scale>hundred|thousand|million|billion){_END})?"
    rf"\+?(?:(?:st|nd|rd|th){_END})?[ -]?"
    rf"(?:(?P<meridiem>am|pm){_END}|(?<=\d)(?P<letter>a|p){_END}(?!')"
    rf"|(?P<currency>{_choice('currency')}){_END}|(?P<measure>per[ ]cent|{_choice('measure')}){_END})?"
    rf"(?:[ ]?(?:/|(?:per|an?|each|every)[ ])[ ]?(?P<period>{_choice('period')}){_END})?",
    re.IGNORECASE,
)
"""What may follow a number at once: scale, unit, period."""
