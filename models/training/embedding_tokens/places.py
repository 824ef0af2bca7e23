"""Where an item's vectors stand, or text of as many tokens. Pure, no torch."""

from collections.abc import Sequence

__all__ = ["PLACEHOLDER", "in_summary_place"]

PLACEHOLDER = 0
"""``<|pad|>``: stands where vectors will stand. No text has it, so it is also the override token of served requests."""


def in_summary_place(item_ids: Sequence[int], tokens: Sequence[int]) -> list[int]:
    """An item with these tokens where a summary would stand: before the mark that asks for the answer.

    Args:
        item_ids: ``RankerPrompt.item_ids(header, "")``.
        tokens: Of a text, or placeholders of vectors.
    """
    return [*item_ids[:-1], *tokens, item_ids[-1]]
