"""Numbers of a summary against those of its source, with the units that stand beside them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from models.faithfulness.numerals import (
    VALUE_WORDS,
    Reading,
    ascii_digits,
    clock_values,
    digits_for_words,
    readings,
    scaled,
)
from models.faithfulness.texts import IndexedText, fold
from models.faithfulness.units import AFTER, BEFORE, KINDS, SCALES, Units, canonical, may_end_currency, spellings

__all__ = ["unsupported_number"]

# Each of its three ways begins with the same class of characters: so the engine skips fast to where it may match.
_DIGITS = re.compile(r"\d(?:\d?:\d\d(?![\d:])|\d{0,2}(?: \d{3})+(?!\d)|\d*(?:[.,']\d+)*)")
_RANGE = re.compile(r"\s?(?:-|–|—|to)\s?[$€£]?\s?", re.IGNORECASE)  # noqa: RUF001 (the dash is meant)
# 401(k) and its like are names of plans: their k is no thousand.
_PLANS = frozenset({"401", "403", "457"})
_BEFORE_LEN = 9
_AFTER_LEN = 32
_HOUR_LEN = 2
_NO_UNITS: Units = ("", "", "", "")


class _Number(NamedTuple):
    text: str
    readings: tuple[Reading, ...]
    units: Units
    is_word_part: bool
    """Whether letters stand at the digits: ``B2B``, ``COBOL85``. Such a word is a term."""


def unsupported_number(said: IndexedText, held: IndexedText) -> str:
    """The first number of the summary that the source does not hold, or an empty text.

    A number is held where one of its readings is: as digits in any notation, spelled out, or in a range that shares its
    scale (``$85-95K``). Where the summary states a unit, the source must state it there too, or state none there and
    name the unit elsewhere.
    """
    there: _HeldNumbers | None = None
    for number in _numbers(digits_for_words(said.text)):
        if number.is_word_part:
            continue
        there = there or _HeldNumbers(held)
        if not any(all(_holds(value, number.units, there, held) for value in one) for one in number.readings):
            return number.text
    return ""


class _HeldNumbers:
    """The numbers of a source. Read are only those that have the digits of a number that is asked for."""

    def __init__(self, held: IndexedText) -> None:
        self._held = held
        self._found = list(_DIGITS.finditer(held.text))
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, found in enumerate(self._found):
            for key in _keys(found[0]):
                self._places[key].append(place)

    def units_of(self, value: str) -> Iterator[Units]:
        """The units beside each number of the source that may be read as a value, without those said before."""
        given: set[Units] = set()
        for number in self._alike(value):
            if number.units not in given and any(value in one for one in number.readings):
                given.add(number.units)
                yield number.units
        if any(f" {words} " in self._held.joined for words in VALUE_WORDS.get(value, ())):
            yield _NO_UNITS

    def _alike(self, value: str) -> Iterator[_Number]:
        text = self._held.text
        seen: set[tuple[str, int, int]] = set()
        for place in sorted({place for key in _value_keys(value) for place in self._places.get(key, ())}):
            found = self._found[place]
            if _is_new(text, found, seen):
                after = self._found[place + 1] if place + 1 < len(self._found) else None
                yield _read_in_range(text, found, after)


@lru_cache(maxsize=4096)
def _keys(core: str) -> frozenset[str]:
    """What all values of a number's digits have in common: the digits without noughts at the ends, whole or in part."""
    if core.isdecimal() and core.isascii():
        return frozenset({core.strip("0"), f"t{int(core) % 12}"} if len(core) <= _HOUR_LEN else {core.strip("0")})
    groups = re.split("[.,' :]", ascii_digits(core))
    keys = {group.strip("0") for group in (*groups, "".join(groups))}
    if len(groups[0]) <= _HOUR_LEN:
        keys.add(f"t{int(groups[0]) % 12}")
    return frozenset(keys)


def _value_keys(value: str) -> set[str]:
    if not value.startswith("t"):
        return {value.replace(".", "").strip("0")}
    # Minutes may be written up to 99, and so belong to the hour before.
    hour = int(value[1:]) // 60
    return {f"t{hour % 12}", f"t{(hour - 1) % 12}"}


def _holds(value: str, units: Units, there: _HeldNumbers, held: IndexedText) -> bool:
    # A time of day has its half in its value.
    units = (*units[:3], "") if value.startswith("t") else units
    return any(
        all(
            stated in {"", beside} or (not beside and _names(held, kind, stated))
            for kind, stated, beside in zip(KINDS, units, places, strict=True)
        )
        for places in there.units_of(value)
    )


def _names(held: IndexedText, kind: str, unit: str) -> bool:
    return any(
        f" {spelling} " in held.joined if spelling.isalpha() else spelling in held.folded
        for spelling in spellings(kind, unit)
    )


def _numbers(text: str) -> Iterator[_Number]:
    seen: set[tuple[str, int, int]] = set()
    all_found = list(_DIGITS.finditer(text))
    for found, after in zip_longest(all_found, all_found[1:]):
        if _is_new(text, found, seen):
            yield _read_in_range(text, found, after)


def _is_new(text: str, found: re.Match[str], seen: set[tuple[str, int, int]]) -> bool:
    """Whether the number with what is around it was not seen yet: a table of noughts says nothing new."""
    start, end = found.span()
    first = max(0, start - _BEFORE_LEN)
    surroundings = (text[first : end + _AFTER_LEN], start - first, end - start)
    if surroundings in seen:
        return False
    seen.add(surroundings)
    return True


def _read_in_range(text: str, found: re.Match[str], after: re.Match[str] | None) -> _Number:
    """The number; in "$85-95K" the first one has the scale of the second."""
    number, power, end = _read(text, found)
    if power or after is None or not _RANGE.fullmatch(text, end, after.start()):
        return number
    _, power, _ = _read(text, after)
    if not power:
        return number
    more = tuple(frozenset(scaled(value, power) for value in one) for one in number.readings)
    return _Number(number.text, (*number.readings, *more), number.units, False)  # noqa: FBT003


def _read(text: str, found: re.Match[str]) -> tuple[_Number, int, int]:
    """The number, its power of ten, and where it ends with its scale."""
    core, (start, end) = found[0], found.span()
    after = AFTER.match(text, end)
    assert after is not None, "every part of it may be missing"
    before = BEFORE.search(text, max(0, start - _BEFORE_LEN), start) if may_end_currency(text, start) else None
    touches = _is_letter(text[start - 1 : start]) or (after.end() == end and _is_letter(text[end : end + 1]))
    name = text[before.start() if before else start : after.end()].strip(" -")
    if before is None and after.lastgroup is None:  # most numbers stand alone
        return _Number(name, _ways(core, ""), _NO_UNITS, touches), 0, end
    meridiem = fold(after["meridiem"] or {"a": "am", "p": "pm"}.get((after["letter"] or "").casefold(), ""))
    currency = fold((before and before["currency"]) or after["currency"] or "")
    measure = fold(after["measure"] or "").replace("per cent", "percent")
    units = (
        canonical("currency", currency),
        canonical("measure", measure),
        canonical("period", fold(after["period"] or "")),
        meridiem,
    )
    ways = _ways(core, meridiem)
    suffix = (after["suffix"] or "").casefold()
    # "5m" is five metres or five million: it is the latter where money is meant.
    is_scale = suffix and core not in _PLANS and (suffix != "m" or currency)
    power = SCALES.get(suffix, 0) if is_scale else SCALES.get((after["scale"] or "").casefold(), 0)
    if power:
        more = tuple(frozenset(scaled(value, power) for value in one) for one in ways)
        ways = more if is_scale else (*more, *ways)
    scale_end = max(end, after.end("suffix"), after.end("scale"))
    return _Number(name, ways, units, touches), power, scale_end


def _ways(core: str, meridiem: str) -> tuple[Reading, ...]:
    hours, colon, minutes = core.partition(":")
    if not colon:
        ways = readings(core)
        if meridiem and core.isdecimal() and len(core) <= 2:  # noqa: PLR2004 - an hour
            ways = (*clock_values(core, "00", meridiem), *ways)
        elif meridiem and core.count(".") == 1:  # "7.30 am"
            hours, _, minutes = core.partition(".")
            ways = (*clock_values(hours, minutes, meridiem), *ways) if len(core) <= len("12.30") else ways
        return ways
    ways = clock_values(hours, minutes, meridiem)
    return (*ways, *readings(hours)) if int(minutes) == 0 else ways


def _is_letter(char: str) -> bool:
    # Scripts without case set no blanks between number and word: "3年".
    return bool(char) and char.isalpha() and char.lower() != char.upper()
