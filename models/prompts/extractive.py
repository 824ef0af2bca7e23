"""The extractive summary: the first sentences of the body. No model; what search gets when the engine cannot answer."""

import re
from collections.abc import Callable

__all__ = ["extractive_summary", "sentences"]

_SENTENCE_END = re.compile(r"(?<=[.!?。！？।؟])\s+|\n+")  # noqa: RUF001 (full-width marks are meant)
# Marks within numbers and words: "$85,000", "full-time".
_INNER_MARKS = frozenset(".,:'’-/")  # noqa: RUF001 (typographic apostrophe)


def sentences(body: str) -> list[str]:
    """The sentences and lines of a body, without what is blank, in its order."""
    return [sentence for part in _SENTENCE_END.split(body) if (sentence := part.strip())]


def extractive_summary(body: str, count_tokens: Callable[[str], int], max_tokens: int) -> str:
    """Whole sentences from the beginning while they fit; the first one cut between words where it alone does not.

    Args:
        body: Plain text; may be empty.
        count_tokens: Length of a text.
        max_tokens: Limit of the summary.

    Returns:
        One line of at most ``max_tokens``; the whole body where that fits; empty for an empty body.
    """
    summary = ""
    for sentence in sentences(body):
        longer = f"{summary} {sentence}" if summary else sentence
        if count_tokens(longer) > max_tokens:
            return summary or _cut(sentence, count_tokens, max_tokens)
        summary = longer
    return summary


def _cut(sentence: str, count_tokens: Callable[[str], int], max_tokens: int) -> str:
    # By characters, not words: some scripts have no blanks, and a single "word" may be a whole page.
    low, high = 0, min(len(sentence), max_tokens * 40)
    while low < high:
        middle = (low + high + 1) // 2
        if count_tokens(sentence[:middle]) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    # A cut inside a word or number would make another one of it: "$85,0". Scripts without case set no blanks: any cut.
    end = low
    if low < len(sentence) and _is_of_word(sentence[low]):
        while end and (_is_of_word(sentence[end - 1]) or sentence[end - 1] in _INNER_MARKS):
            end -= 1
    return sentence[:end].strip() or sentence[:low].strip()


def _is_of_word(char: str) -> bool:
    return char.isdigit() or char.lower() != char.upper()
