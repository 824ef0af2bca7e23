"""Where the tokens of one pass stand. Pure: lists of numbers in and out.

Linear layers see all rows back to back, without padding: first the rows of the prefixes that are computed in this pass,
then the items' rows. Attention among an item's own tokens wants rectangles; the padded copies exist only there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_PADDED_OVER_REAL = 2
"""Rows of a padded rectangle to real rows: bounds the work that one long item can cause among short ones."""
WIDTH_STEP = 32
"""Widths are multiples of this: the CPU's attention kernel takes 64 rows in half the time of 60 (AMX, bfloat16)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Items that stand in one rectangle."""

    items: tuple[int, ...]
    """Their numbers."""
    width: int
    """Places of each, at least the tokens of the longest."""


def plan_blocks(lengths: Sequence[int]) -> list[Block]:
    """Group items of similar length.

    Args:
        lengths: Tokens of each item, at least 1 each.

    Returns:
        Blocks that hold every item once, the short items first.
    """
    groups: list[list[int]] = []
    num_real = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        num_real += lengths[index]
        if not groups or (len(groups[-1]) + 1) * lengths[index] > _MAX_PADDED_OVER_REAL * num_real:
            groups.append([])
            num_real = lengths[index]
        groups[-1].append(index)
    return [Block(tuple(group), round_up(lengths[group[-1]], WIDTH_STEP)) for group in groups]


def round_up(number: int, step: int) -> int:
    """The next multiple."""
    return -(-number // step) * step


@dataclass(frozen=True, slots=True)
class ItemRows:
    """Rows of items that stand one after the other, item 0 from row 0."""

    lengths: tuple[int, ...]
    """[I] tokens of each item."""

    def last_rows(self) -> list[int]:
        """[I] row of each item's last token."""
        return [end - 1 for end in accumulate(self.lengths)]

    def padded_rows(self, block: Block) -> list[list[int]]:
        """[items of the block, width] row shown at each place of the rectangle.

        Places beyond an item's end repeat its own last row, never another item's: a NaN in one item must not reach
        its neighbours through padding.
        """
        ends = self.last_rows()
        return [
            [min(ends[item] - self.lengths[item] + 1 + offset, ends[item]) for offset in range(block.width)]
            for item in block.items
        ]

    def places(self, blocks: Sequence[Block]) -> list[int]:
        """[M] place of each row among the flattened rectangles, one block after the other: undoes ``padded_rows``."""
        starts = [0] * len(self.lengths)
        start = 0
        for block in blocks:
            for item in block.items:
                starts[item] = start
                start += block.width
        return [start + offset for start, length in zip(starts, self.lengths, strict=True) for offset in range(length)]

    def offsets(self) -> list[int]:
        """[M] place of each row inside its own item."""
        return [offset for length in self.lengths for offset in range(length)]
