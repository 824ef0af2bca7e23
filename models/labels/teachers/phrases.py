"""Words, and whether a phrase stands among them. Pure."""

import re
from collections.abc import Iterable

__all__ = ["first_in", "spaced"]

_WORD = re.compile(r"[^\W_]+[+#]*")


def spaced(text: str) -> str:
    """The words of a text in lower case with a blank around each: ``" full time "`` stands in it as a whole phrase."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def first_in(words: str, phrases: Iterable[str]) -> str | None:
    """The first of the phrases that stands among the words of :func:`spaced`."""
    return next((phrase for phrase in phrases if f" {phrase} " in words), None)
