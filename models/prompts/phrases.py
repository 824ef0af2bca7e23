"""What an extractive answer may say: phrases of its source, nothing else."""

import re

from schemas.text import single_line

__all__ = ["supported_phrases"]

_SEPARATOR = ";"
_MIN_CHARS = 2
# What may be markup or the beginning of it. A body is plain text as a rule, and has none.
_MAY_BE_MARKUP = re.compile(r"<[a-zA-Z/!]|&[#a-zA-Z][#a-zA-Z0-9]*;")
_ENDS = frozenset(" \n!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def supported_phrases(summary: str, body: str) -> str:
    """The phrases of ``summary`` that ``body`` holds word for word, each once, in order, joined by ``; ``.

    A small model that copies sometimes slips, and then writes words that nobody published. Such a phrase is dropped;
    what is left is true to its source by construction.

    Args:
        summary: Phrases between semicolons, one line.
        body: The text that they must stand in.

    Returns:
        One line; empty where no phrase is supported.
    """
    phrases = dict.fromkeys(phrase for part in summary.split(_SEPARATOR) if len(phrase := part.strip()) >= _MIN_CHARS)
    has_markup = _MAY_BE_MARKUP.search(body) is not None
    source = ""
    held = []
    for phrase in phrases:
        is_held = not has_markup and _stands_plainly(body, phrase)
        if not is_held:
            source = source or single_line(body)
            is_held = _holds(source, phrase)
        if is_held:
            held.append(phrase)
    return "; ".join(held)


def _stands_plainly(body: str, phrase: str) -> bool:
    """Whether the phrase stands, marks or blanks around it, in a body without markup as it is: then cleaned too."""
    if not (phrase.isascii() and phrase.isprintable()) or "  " in phrase:
        return False
    at = body.find(phrase)
    end = at + len(phrase)
    return at >= 0 and (at == 0 or body[at - 1] in _ENDS) and (end == len(body) or body[end] in _ENDS)


def _holds(source: str, phrase: str) -> bool:
    """Whether the phrase stands in the source from word end to word end."""
    at = source.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if not _is_one_word(source[at - 1 : at + 1] if at else "") and not _is_one_word(source[end - 1 : end + 1]):
            return True
        at = source.find(phrase, at + 1)
    return False


def _is_one_word(pair: str) -> bool:
    """Whether two neighbours belong to one word. Scripts without blanks have no such pairs: they have no case."""
    return len(pair) == 2 and all(char.isdigit() or char.lower() != char.upper() for char in pair)  # noqa: PLR2004
