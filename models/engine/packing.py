"""Which items share a pass, and where their tokens stand in it. Pure: lists of numbers in and out.

Linear layers see the items' tokens back to back, without padding. Attention among an item's own tokens wants a
rectangle; the padded copies exist only there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_PADDED_OVER_REAL = 2
"""Rows of the padded rectangle to real rows: bounds the work one long item can cause among short ones."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Items that go through the model together."""

    indices: tuple[int, ...]
    """Places of the items in the request, at least one."""


def plan_packs(lengths: Sequence[int], max_tokens: int) -> list[Pack]:
    """Group items by length under a token budget.

    Args:
        lengths: Tokens of each item, at least 1 each.
        max_tokens: Rows of one pass. An item longer than this gets a pass of its own.

    Returns:
        Packs that hold every item once, the short items first. Empty for no items.
    """
    packs: list[Pack] = []
    current: list[int] = []
    num_tokens = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[index]
        num_after = num_tokens + length
        is_padded = (len(current) + 1) * length > _MAX_PADDED_OVER_REAL * num_after
        if current and (num_after > max_tokens or is_padded):
            packs.append(Pack(tuple(current)))
            current, num_after = [], length
        current.append(index)
        num_tokens = num_after
    if current:
        packs.append(Pack(tuple(current)))
    return packs


@dataclass(frozen=True, slots=True)
class PackLayout:
    """Where each item's tokens stand: flat rows 0..M-1, item after item, and the rectangle [I, T]."""

    lengths: tuple[int, ...]
    """[I] tokens of each item."""

    @property
    def width(self) -> int:
        """T: tokens of the longest item."""
        return max(self.lengths)

    @property
    def is_rectangular(self) -> bool:
        """All items have the same length: no padding anywhere."""
        return min(self.lengths) == self.width

    def last_rows(self) -> list[int]:
        """[I] flat row of each item's last token."""
        rows: list[int] = []
        end = 0
        for length in self.lengths:
            end += length
            rows.append(end - 1)
        return rows

    def padded_rows(self) -> list[list[int]]:
        """[I, T] flat row shown at each place of the rectangle.

        Places beyond an item's end repeat its own last row, never another item's: a NaN in one item must not reach
        its neighbours through padding.
        """
        return [
            [min(last - length + 1 + offset, last) for offset in range(self.width)]
            for length, last in zip(self.lengths, self.last_rows(), strict=True)
        ]

    def flat_places(self) -> list[int]:
        """[M] place in the flattened rectangle of each flat row: undoes ``padded_rows``."""
        width = self.width
        return [item * width + offset for item, length in enumerate(self.lengths) for offset in range(length)]

    def offsets(self) -> list[int]:
        """[M] place of each flat row inside its own item."""
        return [offset for length in self.lengths for offset in range(length)]
