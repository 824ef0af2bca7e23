"""Numbers of a summary against those of its source, with the units that stand beside them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from stream.faithfulness.numerals import NUMBER_WORDS, Reading, clock_values, digits_for_words, readings, scaled
from stream.faithfulness.texts import IndexedText, fold
from stream.faithfulness.units import AFTER, BEFORE, KINDS, SCALES, Units, canonical, spellings

__all__ = ["unsupported_number"]

_DIGITS = re.compile(r"\d{1,2}:\d\d(?![\d:])|\d{1,3}(?: \d{3})+(?!\d)|\d+(?:[.,']\d+)*")
_RANGE = re.compile(r"\s?(?:-|–|—|to)\s?[$€£]?\s?", re.IGNORECASE)  # noqa: RUF001 (the dash is meant)
# 401(k) and its like are names of plans: their k is no thousand.
_PLANS = frozenset({"401", "403", "457"})
_BEFORE_LEN = 9
_AFTER_LEN = 32
_NO_UNITS: Units = ("", "", "", "")


@dataclass(frozen=True, slots=True)
class _Number:
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
    index: dict[str, set[Units]] | None = None
    for number in _numbers(digits_for_words(said.text)):
        if number.is_word_part:
            continue
        index = index if index is not None else _index(held)
        if not any(all(_holds(value, number.units, index, held) for value in one) for one in number.readings):
            return number.text
    return ""


def _holds(value: str, units: Units, index: dict[str, set[Units]], held: IndexedText) -> bool:
    # A time of day has its half in its value.
    units = (*units[:3], "") if value.startswith("t") else units
    return any(
        all(
            stated in {"", there} or (not there and _names(held, kind, stated))
            for kind, stated, there in zip(KINDS, units, places, strict=True)
        )
        for places in index.get(value, ())
    )


def _names(held: IndexedText, kind: str, unit: str) -> bool:
    return any(
        spelling in held.words if spelling.isalpha() else spelling in held.folded for spelling in spellings(kind, unit)
    )


def _index(held: IndexedText) -> dict[str, set[Units]]:
    index: dict[str, set[Units]] = defaultdict(set)
    for number in _numbers(held.text):
        for reading in number.readings:
            for value in reading:
                index[value].add(number.units)
    for words in NUMBER_WORDS:
        if words in held.words or (" " in words and f" {words} " in held.joined):
            index[NUMBER_WORDS[words]].add(_NO_UNITS)
    _add_scaled_words(held, index)
    return index


def _add_scaled_words(held: IndexedText, index: dict[str, set[Units]]) -> None:
    for scale, power in SCALES.items():
        if len(scale) > 3 and scale in held.words:  # noqa: PLR2004 - the words, not the suffixes
            for words in ("a", *NUMBER_WORDS):
                if f" {words} {scale} " in held.joined:
                    index[scaled(NUMBER_WORDS.get(words, "1"), power)].add(_NO_UNITS)


def _numbers(text: str) -> Iterator[_Number]:
    held_back: _Number | None = None
    held_back_power = end = 0
    seen: set[tuple[str, int, int]] = set()
    for found in _DIGITS.finditer(text):
        first = max(0, found.start() - _BEFORE_LEN)
        surroundings = (text[first : found.end() + _AFTER_LEN], found.start() - first, len(found[0]))
        if surroundings in seen:  # a table of noughts says nothing new
            continue
        seen.add(surroundings)
        number, power, at = _read(text, found)
        if held_back is not None:
            # "$85-95K": the first number has the scale of the second.
            if power and not held_back_power and _RANGE.fullmatch(text, end, found.start()):
                more = tuple(frozenset(scaled(value, power) for value in one) for one in held_back.readings)
                held_back = _Number(held_back.text, (*held_back.readings, *more), held_back.units, False)  # noqa: FBT003
            yield held_back
        held_back, held_back_power, end = number, power, at
    if held_back is not None:
        yield held_back


def _read(text: str, found: re.Match[str]) -> tuple[_Number, int, int]:
    """The number, its power of ten, and where it ends with its scale."""
    core, start, end = found[0], found.start(), found.end()
    after = AFTER.match(text, end)
    assert after is not None, "every part of it may be missing"
    before = BEFORE.search(text, max(0, start - _BEFORE_LEN), start)
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
    power = SCALES[suffix] if is_scale else SCALES.get((after["scale"] or "").casefold(), 0)
    if power:
        more = tuple(frozenset(scaled(value, power) for value in one) for one in ways)
        ways = more if is_scale else (*more, *ways)
    touches = _is_letter(text[start - 1 : start]) or (after.end() == end and _is_letter(text[end : end + 1]))
    name = text[before.start() if before else start : after.end()].strip(" -")
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
