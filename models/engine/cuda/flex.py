"""The mask of a packed pass for FlexAttention, over numbers that lie in fixed memory: a graph reads new ones each time.

Shape suffixes: N rows, Q blocks of queries, K blocks of keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import torch
from torch.nn.attention.flex_attention import BlockMask

from models.engine.cuda.layout import KEY_ROWS, QUERY_ROWS

if TYPE_CHECKING:
    from models.engine.cuda.layout import Layout


@dataclass(frozen=True, slots=True, eq=False)
class PassNumbers:
    """What ``Layout.numbers`` holds, on the device."""

    all: torch.Tensor
    """The memory itself, int32; the others are views of it, or read it."""
    positions_N: torch.Tensor
    mask: BlockMask
    """[N, N] who sees whom."""

    def fill(self, layout: Layout) -> None:
        """Take the numbers of a pass of the same capacity."""
        self.all.copy_(torch.from_numpy(layout.numbers()))


def pass_numbers(capacity: int, device: torch.device) -> PassNumbers:
    """Room for the numbers of passes of one capacity; until it is filled no row sees any."""
    num_queries = capacity // QUERY_ROWS
    table = [(num_queries,), (num_queries, capacity // KEY_ROWS)]
    shapes = [*[(capacity,)] * 4, *table, *table]
    ends = accumulate((torch.Size(shape).numel() for shape in shapes), initial=0)
    spans = list(pairwise(ends))
    memory = torch.zeros(spans[-1][1], dtype=torch.int32, device=device)
    positions, own_starts, prefix_starts, prefix_ends, *tables = (
        memory[start:end].view(shape) for (start, end), shape in zip(spans, shapes, strict=True)
    )

    def is_visible(_batch: object, _head: object, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        is_own = (key >= own_starts[query]) & (key <= query)
        return is_own | ((key >= prefix_starts[query]) & (key < prefix_ends[query]))

    mask = BlockMask.from_kv_blocks(
        *(part[None, None] for part in tables), BLOCK_SIZE=(QUERY_ROWS, KEY_ROWS), mask_mod=is_visible
    )
    return PassNumbers(memory, positions, mask)
