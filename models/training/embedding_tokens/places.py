"""Where an item's vectors stand, or text of as many tokens. Pure, no torch."""

from collections.abc import Sequence
from enum import StrEnum

__all__ = ["PLACEHOLDER", "Source", "in_summary_place"]


class Source(StrEnum):
    """What an encoder reads below the header."""

    BODY = "body"
    """The whole body: the encoder has to find what matters."""
    SUMMARY = "summary"
    """The summary, which nearline has anyway: what matters is found, and the encoder makes it shorter."""


PLACEHOLDER = 0
"""``<|pad|>``: stands where vectors will stand. No text has it, so it is also the override token of served requests."""


def in_summary_place(item_ids: Sequence[int], tokens: Sequence[int]) -> list[int]:
    """An item with these tokens where a summary would stand: before the mark that asks for the answer.

    Args:
        item_ids: ``RankerPrompt.item_ids(header, "")``.
        tokens: Of a text, or placeholders of vectors.
    """
    return [*item_ids[:-1], *tokens, item_ids[-1]]
