"""Names, acronyms and technical terms of a summary, told by their form."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from models.faithfulness.credentials import credential_words
from models.faithfulness.gazetteer import CODES
from models.faithfulness.places import place_words
from models.faithfulness.texts import WORD, IndexedText, fold, words_of
from models.faithfulness.verdict import Reason, Verdict

__all__ = ["unsupported_term"]

_CHUNK = re.compile(r"[^\s/,;|()\[\]{}<>\"“”„«»–—…]+")  # noqa: RUF001 (the dash is meant)
# A phrase begins: the text itself, a mark that ends a phrase, a bullet, an opening bracket or quote.
_BEGINNING = re.compile(r"(?:^|[.!?:;|()\[\]\"“”„«»–—…•*¿¡]|(?:^|\s)[-·])\s*$")  # noqa: RUF001 (the dash is meant)
_SYMBOLIC = re.compile(r"[A-Za-z]\w*(?:\+\+|#)|\.[A-Za-z]\w+")
_CAMEL = re.compile(r"[a-zß-öø-ÿ0-9][A-Z]")
_CAMEL_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_AT_A_PLACE = re.compile(
    r"(?:\b(?:located|based|offices?|headquarter\w*|relocat\w+|commut\w+|lives?|living|working|site|travels?|travelling)"
    r" (?:in|at|near|to|from|around)|\b(?:in|near) (?:the )?(?:city|area|region|town|state|county|suburbs?) of) $",
    re.IGNORECASE,
)
_BEFORE_A_CODE = re.compile(r"(?:[ '.-][A-Z][\w'.-]*){0,2}, ?([A-Z]{2})(?![\w])")
# Letters that are words, and abbreviations that a summary may use for ordinary words.
_NO_TERMS = frozenset(
    {"A", "I", "OK", "AND", "OR", "NOT", "NO", "FT", "PT", "HR", "AM", "PM", "TBD", "ASAP", "EG", "IE"}
)
# Small letters only: no term, wherever it stands.
_ORDINARY = re.compile(r"[a-z][a-z'-]*")
_LEAST_STEM = 3
_MOST_ENDING = 3
_LONGEST_NAME = 8
_HALF = 2


class _Chunk(NamedTuple):
    text: str
    start: int
    end: int


def unsupported_term(said: IndexedText, held: IndexedText) -> Verdict | None:
    """The first name, acronym or technical term of the summary that the source does not hold.

    A term is a word with a capital inside a phrase, with two or more capitals, with capitals after small letters
    (``PostgreSQL``), with letters and digits (``B2B``), a dot within (``Node.js``) or a sign at its end (``C++``).
    It is held up to case, plural, accents and punctuation; an acronym also by the capitalised words that it stands for,
    and they by it. Credentials and known places have rules of their own, which look at them before. Where capitals tell
    nothing (German, titles, all capitals) plain capitalised words are not looked at.

    Returns:
        The verdict, whose reason is ``PLACE`` where the name stands where a place does; None where all are held.
    """
    # Words of small letters alone are no terms: most of a text.
    pieces = " ".join({piece for piece in said.text.split() if not (piece.islower() and piece.isalpha())})
    missing = {word for word in map(_word, _CHUNK.findall(pieces)) if word and _is_missing(word, held)}
    return _first_unsupported(said, held, missing) if missing else None


def _first_unsupported(said: IndexedText, held: IndexedText, missing: set[str]) -> Verdict | None:
    chunks = list(_chunks(said.text))
    is_shouted = _HALF * sum(chunk.text.isupper() for chunk in chunks) > len(chunks)
    known_words = credential_words(said) | place_words(said)
    are_capitals_plain: bool | None = None
    for at, chunk in enumerate(chunks):
        if chunk.text not in missing:
            continue
        is_marked = _is_marked(chunk.text) and not (is_shouted and chunk.text.isupper())
        if not is_marked and (not _is_capitalised(chunk.text) or _is_first(said.text, chunk)):
            continue
        if _is_spelled_out(chunks, at, held) or known_words.issuperset(words_of(fold(chunk.text))):
            continue
        if not is_marked:
            if are_capitals_plain is None:
                are_capitals_plain = held.has_plain_capitals or is_shouted
            if are_capitals_plain:
                continue
        return Verdict(Reason.PLACE if _is_at_a_place(said.text, chunk) else Reason.TERM, chunk.text)
    return None


def _chunks(text: str) -> Iterator[_Chunk]:
    for found in _CHUNK.finditer(text):
        if word := _word(found[0]):
            yield _Chunk(word, found.start(), found.end())


def _word(piece: str) -> str:
    """The piece without the marks around it; empty where it has no letters."""
    if piece.isalpha():
        return piece
    word = piece.strip("'!?:*•·&~=").rstrip(".-'").lstrip("-'").removesuffix("'s")
    return word if any(map(str.isalpha, word)) else ""


def _is_first(text: str, chunk: _Chunk) -> bool:
    """Whether a phrase begins with it: its capital says nothing then."""
    return _BEGINNING.search(text, max(0, chunk.start - 4), chunk.start) is not None


def _is_missing(word: str, held: IndexedText) -> bool:
    """Whether its form may make it a term, and the source does not hold it."""
    if _ORDINARY.fullmatch(word):
        return False
    if len(word) > 1 and word.isalnum() and word.isascii() and f" {word.lower()} " in held.joined:
        return False
    return (_is_capitalised(word) or _is_marked(word)) and not _holds(word, held)


def _is_capitalised(word: str) -> bool:
    return word[0].isupper() and word not in _NO_TERMS


def _is_marked(word: str) -> bool:
    """Whether its form makes it a term wherever it stands."""
    if word.upper() in _NO_TERMS or word.casefold().strip(".-") in {"e.g", "i.e"}:
        return False
    if _SYMBOLIC.fullmatch(word):
        return True
    parts = WORD.findall(word)
    return any(
        sum(map(str.isupper, part)) > 1
        or _CAMEL.search(part) is not None
        or (part[0].isalpha() and any(map(str.isdigit, part)))
        for part in parts
    ) or (len(parts) > 1 and "." in word and word[0].isupper())


def _holds(word: str, held: IndexedText) -> bool:
    if _SYMBOLIC.fullmatch(word):
        literal = re.escape(fold(word))
        return re.search(rf"(?<![^\W_]){literal}(?![\w+#])", held.folded) is not None
    if len(word) == 1:
        return word in held.exact_words
    parts = WORD.findall(fold(word))
    if not parts:
        return True
    squeezed = "".join(parts)
    if (
        held.holds_word(squeezed)
        or squeezed in held.squeezed_words
        or squeezed.removesuffix("s") in held.squeezed_words
    ):
        return True
    camel_parts = [fold(part) for part in _CAMEL_PARTS.findall(word)]
    return any(
        len(way) > 1 and all(held.holds_word(part) for part in way if len(part) > 1 or not part.isalpha())
        for way in (parts, camel_parts)
    ) or _is_inflected(squeezed, held)


def _is_inflected(word: str, held: IndexedText) -> bool:
    """Whether a word of Greek, Cyrillic or their like stands in the source up to its ending: they inflect names."""
    if not ("\u0370" <= word[0] <= "\u10ff" or "\u1f00" <= word[0] <= "\u1fff"):
        return False
    return f" {word[: max(_LEAST_STEM, len(word) - _MOST_ENDING)]}" in held.joined


def _is_spelled_out(chunks: list[_Chunk], at: int, held: IndexedText) -> bool:
    """Whether an acronym's words stand in the source, or the acronym of these words does."""
    word = chunks[at].text
    letters = word.removesuffix("s")
    if letters.isascii() and letters.isupper() and letters.isalpha() and len(letters) <= _LONGEST_NAME:
        if letters in CODES and any(held.holds_phrase(name) for name in CODES[letters]):
            return True
        between = r"[a-z]\w*(?:[ -](?:and|of|the|for|in|&))?[ -]"
        pattern = "".join(rf"{letter}{between}" for letter in letters[:-1]) + rf"{letters[-1]}[a-z]"
        return len(letters) > 1 and re.search(rf"(?<![^\W_]){pattern}", held.text) is not None
    first = last = at
    while first > 0 and _joins(chunks[first - 1], chunks[first]):
        first -= 1
    while last + 1 < len(chunks) and _joins(chunks[last], chunks[last + 1]):
        last += 1
    initials = "".join(chunk.text[0] for chunk in chunks[first : last + 1])
    return len(initials) > 1 and initials in held.exact_words


def _joins(left: _Chunk, right: _Chunk) -> bool:
    return right.start - left.end == 1 and left.text[0].isupper() and right.text[0].isupper()


def _is_at_a_place(text: str, chunk: _Chunk) -> bool:
    after = _BEFORE_A_CODE.match(text, chunk.start + len(chunk.text))
    return (after is not None and after[1] in CODES) or _AT_A_PLACE.search(text, 0, chunk.start) is not None
