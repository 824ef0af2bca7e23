"""JSON as it stands in web pages: read strictly, and mended by stated rules where it cannot be read."""

import html
import json
import re
from typing import Any

from schemas.canonical import read_json

__all__ = ["read_page_json"]

# What pages put around a script's content for parsers of the last century. No JSON begins or ends with any of it.
_OPENING = re.compile(r"(?:\s|//>?|/\*|\*/|<!--|-->|<!\[CDATA\[|\ufeff)*")
_CLOSING = ("//", "/*", "*/", "<!--", "-->", "<!]]>", "]]>", ";")
# A string, so that nothing inside of it is taken for structure, or a comma that blanks alone part from a bracket.
_STRING_OR_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*+[}\]])', re.DOTALL)


def read_page_json(text: str) -> Any:
    """JSON of one script.

    Mended, in this order and only where the text cannot be read as it is: comment and CDATA marks around it and a
    semicolon after it are removed; raw line breaks and other controls in strings are taken as they stand; a comma
    before a closing bracket is removed; a text that escaped all its quotes (``&quot;``) is unescaped. Nothing is
    guessed: a missing bracket, quote or comma stays an error.

    Raises:
        ValueError: It cannot be read; the message is about the text as it stands.
    """
    try:
        return read_json(text)
    except ValueError as error:
        first = error
    bare = _without_marks(text)
    if "&quot;" in bare and '"' not in bare:
        bare = html.unescape(bare)
    for candidate in (bare, _STRING_OR_TRAILING_COMMA.sub(lambda found: found[1] or "", bare)):
        try:
            # Read with controls allowed, then once more under the rules that every posting is read by.
            return read_json(json.dumps(json.loads(candidate, strict=False)))
        except (ValueError, RecursionError):
            continue
    raise first


def _without_marks(text: str) -> str:
    opening = _OPENING.match(text)
    bare = (text[opening.end() :] if opening else text).rstrip()
    while mark := next((mark for mark in _CLOSING if bare.endswith(mark)), ""):
        bare = bare.removesuffix(mark).rstrip()
    return bare
