"""Places that a summary names, and whether work is remote."""

from collections.abc import Iterator

from models.faithfulness.gazetteer import AMBIGUOUS, AMBIGUOUS_CODES, CODES, PLACES
from models.faithfulness.texts import IndexedText, fold, words_of

__all__ = ["place_words", "unsupported_place"]

_MAX_WORDS = 4
_FIRST_WORDS = frozenset(name.partition(" ")[0] for name in PLACES)
_REMOTE = (
    *("remote", "remotely", "telework", "teleworking", "telecommute", "telecommuting", "wfh", "work from home"),
    *("working from home", "work from anywhere", "home office", "homeoffice", "home based", "remoto", "teletravail"),
)
_HYBRID = ("hybrid", "hybrid work")
_MODES = (_REMOTE, _HYBRID)


def unsupported_place(said: IndexedText, held: IndexedText) -> str:
    """The first known place of the summary that the source does not name, or an empty text.

    Known are the countries, states and cities of ``gazetteer``, each under any of its spellings; two-letter codes of
    states count in capitals only, in the source too (``IN`` is not "in"). That work may be done at home or in part at
    home is a claim about a place as well. Other places are names: ``terms`` looks at them.
    """
    for name in _named(said):
        if not _holds(name, held):
            return name
    return next((mode[0] for mode in _MODES if _names(said, mode) and not _names(held, mode)), "")


def place_words(said: IndexedText) -> frozenset[str]:
    """Folded words of the known places that a summary names."""
    return frozenset(word for name in _named(said) for word in name.casefold().split(" "))


def _named(said: IndexedText) -> Iterator[str]:
    """Codes as they stand, names folded; of two that begin at the same word the longer one."""
    words = words_of(said.text)
    folded = said.word_list if said.text.isascii() else [fold(word) for word in words]
    for at, word in enumerate(words):
        if word in CODES:
            if word not in AMBIGUOUS_CODES or f", {word}" in said.text:
                yield word
            continue
        if folded[at] not in _FIRST_WORDS:
            continue
        for num_words in range(min(_MAX_WORDS, len(words) - at), 0, -1):
            name = " ".join(folded[at : at + num_words])
            if name in PLACES and (name not in AMBIGUOUS or (at > 0 and word[0].isupper())):
                yield name
                break


def _holds(name: str, held: IndexedText) -> bool:
    if name in CODES:
        return held.holds_code(name) or any(held.holds_phrase(spelling) for spelling in CODES[name])
    return any(held.holds_phrase(spelling) for spelling in (name, *PLACES[name])) or any(
        held.holds_code(code) for code, spellings in CODES.items() if name in spellings
    )


def _names(text: IndexedText, mode: tuple[str, ...]) -> bool:
    return any(f" {phrase} " in text.joined for phrase in mode)
