"""Where the rows of one packed pass stand, what each may see, and which blocks of keys a block of queries reads. Pure.

A pass is one sequence of rows: of each group its prefix, then its items, and padding behind the last. A row sees the
rows of its group's prefix and the earlier rows of its own item: two ranges of row numbers, ``[prefix start, prefix
end)`` and ``[own start, itself]``. So the mask is three numbers a row. The first item of a group stands right behind
its prefix and has one range, and padding sees only itself.

Which blocks hold a visible pair follows from the same numbers in time proportional to the rows, not to their square.

Shape suffixes: N rows, Q blocks of queries, K blocks of keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

QUERY_ROWS = 64
KEY_ROWS = 32
"""Rows of a block of queries, and of keys. Items are short, and small blocks hold fewer hidden pairs: on an H100 the
attention of 54 items of 150 tokens beside 50 took 68 us, 77 with blocks of 64 x 64, 121 with 128 x 128 (bfloat16)."""
_LEAST_ROWS = 128
"""Of a pass, and the step from one size to the next."""
_STEPS_PER_DOUBLING = 8
"""A pass is padded by at most an eighth: by 6 % on average."""


class BlockTable(NamedTuple):
    """For each block of queries, blocks of keys."""

    counts_Q: np.ndarray
    """How many."""
    indices_QK: np.ndarray
    """Their numbers, ascending; zeros behind the last."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One pass, padded to ``capacity`` rows. All arrays int32."""

    num_rows: int
    capacity: int
    last_rows: list[int]
    """[I] row of each item's last token, in the order of groups and items."""
    positions_N: np.ndarray
    """Positions as if each item stood alone behind its prefix."""
    own_starts_N: np.ndarray
    prefix_starts_N: np.ndarray
    prefix_ends_N: np.ndarray
    """Equal to the start where a row has one range only."""
    partial: BlockTable
    """Blocks with some visible and some hidden pairs: the mask is evaluated."""
    full: BlockTable
    """Blocks where every query sees every key."""

    def numbers(self) -> np.ndarray:
        """Everything a kernel needs, one after the other, so that one copy brings it to the device."""
        rows = (self.positions_N, self.own_starts_N, self.prefix_starts_N, self.prefix_ends_N)
        return np.concatenate([*rows, *(array.ravel() for table in (self.partial, self.full) for array in table)])


def capacities(max_rows: int) -> list[int]:
    """The sizes that passes are padded to, ascending: eight to each doubling, whole blocks.

    Args:
        max_rows: The last one holds at least so many rows.
    """
    sizes = [_LEAST_ROWS]
    while sizes[-1] < max_rows:
        doubling = 1 << (sizes[-1].bit_length() - 1)
        sizes.append(sizes[-1] + max(_LEAST_ROWS, doubling // _STEPS_PER_DOUBLING))
    return sizes


def lay_out(groups: Sequence[tuple[int, Sequence[int]]], capacity: int) -> Layout:
    """Place the rows of a pass.

    Args:
        groups: Tokens of the prefix, which may be 0, and of each item, at least 1 each.
        capacity: Rows with the padding, a multiple of ``QUERY_ROWS``, at least the rows of all groups.
    """
    sequences, last_rows = _place(groups)
    begins = [sequence.begin for sequence in sequences]
    num_rows = sequences[-1].end
    rows_N = np.arange(capacity, dtype=np.int32)
    facts_NX = np.repeat(np.array(sequences, dtype=np.int32), np.diff([*begins, num_rows]), axis=0)
    padding_N = rows_N[num_rows:]
    nothing_N = np.zeros_like(padding_N)
    padding_NX = np.stack([padding_N, padding_N, nothing_N, padding_N, nothing_N, nothing_N], axis=1)
    begins_N, _, positions_N, own_starts_N, prefix_starts_N, prefix_ends_N = np.concatenate([facts_NX, padding_NX]).T
    partial, full = _tables(rows_N, own_starts_N, prefix_starts_N, prefix_ends_N)
    return Layout(
        num_rows=num_rows,
        capacity=capacity,
        last_rows=last_rows,
        positions_N=positions_N + rows_N - begins_N,
        own_starts_N=own_starts_N,
        prefix_starts_N=prefix_starts_N,
        prefix_ends_N=prefix_ends_N,
        partial=partial,
        full=full,
    )


class _Sequence(NamedTuple):
    """A prefix or an item."""

    begin: int
    """Its first row."""
    end: int
    position: int
    """Of its first token."""
    own_start: int
    """First row of the range that ends at the row itself."""
    prefix_start: int
    prefix_end: int


def _place(groups: Sequence[tuple[int, Sequence[int]]]) -> tuple[list[_Sequence], list[int]]:
    sequences: list[_Sequence] = []
    last_rows: list[int] = []
    begin = 0
    for num_prefix, lengths in groups:
        start, end = begin, begin + num_prefix
        if num_prefix:
            sequences.append(_Sequence(start, end, 0, start, 0, 0))
        ends = list(accumulate(lengths, initial=end))
        sequences.append(_Sequence(end, ends[1], num_prefix, start, 0, 0))
        sequences += [
            _Sequence(begin, end_of_item, num_prefix, begin, start, end) for begin, end_of_item in pairwise(ends[1:])
        ]
        last_rows += [end_of_item - 1 for end_of_item in ends[1:]]
        begin = ends[-1]
    return sequences, last_rows


def _tables(
    rows_N: np.ndarray, own_starts_N: np.ndarray, prefix_starts_N: np.ndarray, prefix_ends_N: np.ndarray
) -> tuple[BlockTable, BlockTable]:
    """Which blocks to read partly and fully, as ``create_block_mask`` finds from all pairs.

    A row's two ranges do not touch, so a block of keys that a row sees whole lies in one of them.
    """
    starts, ends = np.concatenate([own_starts_N, prefix_starts_N]), np.concatenate([rows_N + 1, prefix_ends_N])
    blocks = np.tile(rows_N // QUERY_ROWS, 2)
    size = len(rows_N) // QUERY_ROWS, len(rows_N) // KEY_ROWS
    is_some = ends > starts
    touched_QK = _counts(size, blocks, starts // KEY_ROWS, np.where(is_some, -(-ends // KEY_ROWS), 0))
    whole_QK = _counts(size, blocks, -(-starts // KEY_ROWS), ends // KEY_ROWS)
    is_full_QK = whole_QK == QUERY_ROWS
    return _table((touched_QK > 0) & ~is_full_QK), _table(is_full_QK)


def _counts(size: tuple[int, int], blocks: np.ndarray, first: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """[Q, K] how many ranges of key blocks hold each one: ``[first, behind)``, maybe empty, seen by a query block."""
    num_queries, num_keys = size
    origins, num_cells = blocks * (num_keys + 1), num_queries * (num_keys + 1)
    begun = np.bincount(origins + first, minlength=num_cells)
    ended = np.bincount(origins + np.maximum(first, behind), minlength=num_cells)
    return (begun - ended).reshape(num_queries, -1).cumsum(axis=1)[:, :-1]


def _table(is_read_QK: np.ndarray) -> BlockTable:
    counts_Q = is_read_QK.sum(axis=1, dtype=np.int32)
    queries, keys = np.nonzero(is_read_QK)
    indices_QK = np.zeros(is_read_QK.shape, dtype=np.int32)
    indices_QK[queries, np.arange(len(queries)) - np.repeat(counts_Q.cumsum() - counts_Q, counts_Q)] = keys
    return BlockTable(counts_Q, indices_QK)
