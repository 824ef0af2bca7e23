"""Canonical bytes and the digests made of them: equality of content, independent of key order and spelling."""

import hashlib
import json
import math
from typing import Any

__all__ = ["canonical_json", "content_hash", "item_version", "posting_hash", "read_json"]

_FEW_LEVELS = 100
"""Brackets that cannot be nested too deep for any reader."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def read_json(text: str | bytes) -> Any:
    r"""JSON as every other client and store can hold it: finite numbers, text that encodes to UTF-8.

    Lone surrogates (``"\ud800"``) become ``?``: they are no text, and refusing a posting for one would lose it.

    Raises:
        ValueError: Not JSON, not UTF-8, nested too deep, or with NaN or a number beyond a double.
    """
    try:
        if (chars := _plain_text(text)) is not None:
            return _FINITE.decode(chars)
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
        again = json.dumps(value, ensure_ascii=False)
    except RecursionError as error:
        message = "nested too deep"
        raise ValueError(message) from error
    clean = again.encode("utf-8", "replace").decode()
    return value if clean == again else json.loads(clean)


def _plain_text(text: str | bytes) -> str | None:
    """The characters, where a look at them tells that no text in it holds half a character, and nothing is nested deep.

    A surrogate comes as an escape, or as bytes that are no UTF-8.
    """
    try:
        if isinstance(text, str):
            text.encode()
            chars = text
        else:
            chars = text.decode()
    except UnicodeError:
        return None
    is_plain = "\\u" not in chars and "\0" not in chars and chars.count("[") + chars.count("{") < _FEW_LEVELS
    return chars if is_plain and not chars.startswith("\ufeff") else None


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        message = f"{literal} is not a finite number"
        raise ValueError(message)
    return number


# Made once: ``json.loads`` makes one for each text.
_FINITE = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no blanks.

    Args:
        value: Anything ``json.dumps`` takes.

    Raises:
        ValueError: The value holds NaN, an infinity or a lone surrogate (:func:`read_json` lets none in).
    """
    return _CANONICAL.encode(value).encode()


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()[:32]


def item_version(header: str, summary: str) -> str:
    """Identity of what the ranker reads: 128 bits of SHA-256, as 32 hexadecimal digits. Equality only, no order."""
    return _digest([header, summary])


def content_hash(body: str) -> str:
    """Identity of what the summarizer reads. An edit that leaves it unchanged needs no model call."""
    return _digest(["body", body])


def posting_hash(posting: dict[str, Any]) -> str:
    """Identity of the whole posting as published: tells a redelivery from a conflict at an equal version."""
    return _digest(["posting", posting])
