"""Readers of schema.org values: text, object or list, as the vocabulary allows and publishers use them.

Each reader takes whatever JSON stands in a field and returns plain text; what it cannot read it leaves out. None
raises: a posting is not refused because its salary is odd, and the raw posting is kept anyway.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from schemas.text import plain_text, single_line

__all__ = ["moment", "pay", "places", "texts", "words"]

# Where the readable part of a schema.org object stands, in order of preference.
_TEXT_KEYS = ("name", "value", "description", "text", "credentialCategory", "@value")
_PLACE_KEYS = ("streetAddress", "addressLocality", "addressRegion", "addressCountry")
_UNITS = {"HOUR": "hour", "DAY": "day", "WEEK": "week", "MONTH": "month", "YEAR": "year", "ANNUAL": "year"}
_MAX_DEPTH = 6


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _items(item) if isinstance(item, list | tuple) else (item,)
    elif value is not None:
        yield value


def _leaf(value: Any, depth: int = 0) -> str:
    if isinstance(value, bool) or depth > _MAX_DEPTH:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        if isinstance(months := value.get("monthsOfExperience"), int | float | str):
            return f"{months} months of experience"
        return next((text for key in _TEXT_KEYS if (text := _leaf(value.get(key), depth + 1))), "")
    if isinstance(value, list | tuple):
        return "\n".join(filter(None, (_leaf(item, depth + 1) for item in value)))
    return ""


def texts(value: Any) -> tuple[str, ...]:
    """Each value as plain text, possibly of several lines; empty ones left out."""
    if isinstance(value, str):  # by far the most, and there is nothing to look for in it
        return (text,) if (text := plain_text(value)) else ()
    return tuple(filter(None, (plain_text(_leaf(item)) for item in _items(value))))


def words(value: Any) -> tuple[str, ...]:
    """Each value on one line; a text that lists several, by commas, semicolons or bullets, is split."""
    lines = (line for text in texts(value) for line in text.split("\n"))
    parts = (single_line(part) for line in lines for part in line.replace(";", ",").replace("•", ",").split(","))
    return tuple(dict.fromkeys(part.removeprefix("- ") for part in parts if part))


def places(value: Any) -> tuple[str, ...]:
    """Each place as ``locality, region, country``, whatever of it is there."""
    found = (single_line(_place(item)) for item in _items(value))
    return tuple(dict.fromkeys(filter(None, found)))


def _place(item: Any) -> str:
    if not isinstance(item, Mapping):
        return _leaf(item)
    address = item.get("address", item)
    if isinstance(address, list) and address:
        address = address[0]
    if isinstance(address, Mapping):
        parts = [_leaf(address.get(key)) for key in _PLACE_KEYS[1:]]
        if joined := ", ".join(filter(None, parts)):
            return joined
        return _leaf(address.get(_PLACE_KEYS[0])) or _leaf(item)
    return _leaf(address) or _leaf(item)


def pay(value: Any) -> str:
    """Pay as ``CUR low-high/unit``, whatever of it is there; the first readable one of several."""
    return next((text for item in _items(value) if (text := single_line(_pay(item)))), "")


def _pay(item: Any) -> str:
    if not isinstance(item, Mapping):
        return _leaf(item)
    inner = item.get("value", item)
    amounts = inner if isinstance(inner, Mapping) else {"value": inner}
    low, high = (_leaf(amounts.get(key)) for key in ("minValue", "maxValue"))
    exact = _leaf(amounts.get("value"))
    amount = "-".join(dict.fromkeys(filter(None, (low, high)))) or exact
    if not amount:
        return ""
    unit = _leaf(amounts.get("unitText") or item.get("unitText")).upper()
    currency = _leaf(item.get("currency") or amounts.get("currency"))
    return f"{currency} {amount}".strip() + (f"/{_UNITS.get(unit, unit.lower())}" if unit else "")


def moment(value: Any) -> datetime | None:
    """An ISO 8601 date or time as UTC; a bare date means the end of that day. None where it cannot be read."""
    text = next(iter(words(value)), "")
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= len("2026-01-31"):
        parsed = datetime.combine(parsed.date(), time(23, 59, 59))
    try:
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except OverflowError:  # year 1 or 9999 with an offset
        return parsed.replace(tzinfo=UTC)
