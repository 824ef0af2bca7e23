"""Numbers as people write them, and what each may mean. Pure tables and readings; comparing is ``numbers``."""

import re
import unicodedata

from models.faithfulness.texts import words_of
from models.faithfulness.units import SCALE_WORDS

__all__ = [
    "NUMBER_WORDS",
    "VALUE_WORDS",
    "Reading",
    "ascii_digits",
    "clock_values",
    "digits_for_words",
    "readings",
    "scaled",
]

Reading = frozenset[str]
"""Values that all have to stand in the source for this way of reading a number to be supported."""

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
NUMBER_WORDS = (
    {word: str(value) for value, word in enumerate(_ONES)}
    | {word: str(10 * value) for value, word in enumerate(_TENS, start=2)}
    | {word: str(value) for value, word in enumerate(_ORDINALS, start=1)}
    | {f"{ten} {one}": str(10 * tens + ones) for tens, ten in enumerate(_TENS, start=2)
       for ones, one in enumerate(_ONES[1:10], start=1)}
)  # fmt: skip
"""Folded words -> value, for what a source may hold."""

# "one", "first" and "second" are too often no numbers ("one of", "first aid", "a second pair"): they claim nothing.
_NO_CLAIMS = frozenset({"one", "first", "second"})
_CLAIMED = frozenset({*_TENS, *_ONES, *_ORDINALS} - _NO_CLAIMS)
_CLAIMED_WORDS = re.compile(
    rf"\b(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES[1:10])}))?"
    rf"|{'|'.join(sorted(_CLAIMED.difference(_TENS)))})\b",
    re.IGNORECASE,
)
_THOUSANDS = 3
_NOON = 12 * 60


def digits_for_words(text: str) -> str:
    """The text with its spelled-out numbers as digits; words that are seldom numbers stay."""
    if text.isascii() and _CLAIMED.isdisjoint(words_of(text.casefold())):
        return text
    # The pattern takes a dotless i for an i: what is no number word then stays.
    return _CLAIMED_WORDS.sub(lambda found: NUMBER_WORDS.get(found[0].casefold().replace("-", " "), found[0]), text)


def ascii_digits(core: str) -> str:
    """Digits of any script as the ten of ASCII, what stands between them as it is."""
    if core.isascii():
        return core
    return "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in core)


def scaled(value: str, power: int) -> str:
    """A value times a power of ten: ``scaled("1.5", 3)`` is ``1500``."""
    whole, _, decimals = value.partition(".")
    return _plain(whole + decimals[:power].ljust(power, "0"), decimals[power:])


def readings(core: str) -> tuple[Reading, ...]:
    """What digits with separators between them may mean, the likeliest first.

    ``1,000``, ``1.000``, ``1 000`` and ``1'000`` are a thousand; ``1.5`` and ``1,5`` one and a half; ``9,11`` may be
    two numbers. ``1.250`` may be one and a quarter too: where a locale would have to decide, both ways count.
    """
    core = ascii_digits(core)
    marks = sorted({char for char in core if not char.isdigit()})
    if not marks:
        return (frozenset({_plain(core)}),)
    if len(marks) > 1:
        return _mixed(core)
    (mark,) = marks
    groups = core.split(mark)
    parts = frozenset(_plain(group) for group in groups)
    merged = frozenset({_plain("".join(groups))})
    is_grouped = _is_grouped(groups)
    if mark in " '" or (mark == "," and is_grouped):
        return (merged, parts) if mark == " " else (merged,)
    if len(groups) > 2:  # noqa: PLR2004 - dates, versions, addresses
        return (merged,) if is_grouped else (parts,)
    decimal = frozenset({_plain(groups[0], groups[1])})
    if mark == ".":
        # "1.000" is a thousand; what is left of it as a decimal would be any "1" of the source.
        return (merged, decimal) if is_grouped and groups[1].strip("0") else (merged if is_grouped else decimal,)
    return (decimal, parts)


def clock_values(hours: str, minutes: str, meridiem: str) -> tuple[Reading, ...]:
    """A time of day as minutes since midnight, marked so that it is no plain number; both halves of the day where open.

    Args:
        hours: Digits.
        minutes: Two digits.
        meridiem: ``am``, ``pm`` or empty.
    """
    hour, minute = int(hours), int(minutes)
    if not meridiem:
        at = 60 * hour + minute
        return (frozenset({f"t{at}"}), frozenset({f"t{at + _NOON}"})) if 0 < hour <= 12 else (frozenset({f"t{at}"}),)  # noqa: PLR2004
    return (frozenset({f"t{60 * (hour % 12) + minute + (_NOON if meridiem == 'pm' else 0)}"}),)


def _mixed(core: str) -> tuple[Reading, ...]:
    """Two kinds of separators: the last one is the decimal mark where it stands once and the others group by three."""
    last = max(core.rfind("."), core.rfind(","))
    whole, decimals = core[:last], core[last + 1 :]
    groups = re.split(r"[.,' ]", whole)
    if core.count(core[last]) == 1 and _is_grouped(groups):
        return (frozenset({_plain("".join(groups), decimals)}),)
    return (frozenset(_plain(part) for part in re.split(r"[.,' ]", core)),)


def _is_grouped(groups: list[str]) -> bool:
    first = groups[0]
    return 0 < len(first) <= _THOUSANDS and not first.startswith("0") and all(len(g) == _THOUSANDS for g in groups[1:])


def _plain(whole: str, decimals: str = "") -> str:
    # By characters: int() refuses what has more than 4,300 digits.
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _words_by_value() -> dict[str, tuple[str, ...]]:
    words = dict(NUMBER_WORDS)
    for scale, power in SCALE_WORDS.items():
        words |= {f"{number} {scale}": scaled(value, power) for number, value in {"a": "1", **NUMBER_WORDS}.items()}
    by_value: dict[str, tuple[str, ...]] = {}
    for name, value in words.items():
        by_value[value] = (*by_value.get(value, ()), name)
    return by_value


VALUE_WORDS = _words_by_value()
"""Value -> folded words by which a source may state it: ``forty``, ``two hundred``, ``a million``."""
