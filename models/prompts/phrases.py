"""What an extractive answer may say: phrases of its source, nothing else."""

from schemas.text import single_line

__all__ = ["supported_phrases"]

_SEPARATOR = ";"
_MIN_CHARS = 2


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
    source = single_line(body)
    phrases = (phrase.strip() for phrase in summary.split(_SEPARATOR))
    return "; ".join(
        dict.fromkeys(phrase for phrase in phrases if len(phrase) >= _MIN_CHARS and _holds(source, phrase))
    )


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
