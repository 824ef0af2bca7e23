"""Packs: the items of one engine request. Pure."""

from collections.abc import Sequence

__all__ = ["split_packs"]


def split_packs(costs: Sequence[int], *, prefix_tokens: int, max_tokens: int, max_items: int) -> list[range]:
    """Cut a run of items into packs, in order.

    Args:
        costs: [N] tokens of each item.
        prefix_tokens: Tokens of the query, counted once a pack.
        max_tokens: Most tokens of a pack; an item that is longer alone gets a pack of its own.
        max_items: Most items of a pack.

    Returns:
        Ranges over the items, in order, none empty, that cover each item once.
    """
    packs: list[range] = []
    start, spent = 0, prefix_tokens
    for index, cost in enumerate(costs):
        is_full = index - start >= max_items or (index > start and spent + cost > max_tokens)
        if is_full:
            packs.append(range(start, index))
            start, spent = index, prefix_tokens
        spent += cost
    if start < len(costs):
        packs.append(range(start, len(costs)))
    return packs
