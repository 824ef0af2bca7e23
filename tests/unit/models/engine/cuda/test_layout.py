"""Rows, masks and block tables of a packed pass, against the definition over all pairs."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine.cuda.layout import KEY_ROWS, QUERY_ROWS, BlockTable, capacities, lay_out

GROUPS = st.lists(
    st.tuples(st.integers(0, 300), st.lists(st.integers(1, 300), min_size=1, max_size=6)), min_size=1, max_size=4
)


def num_rows_of(groups: list[tuple[int, list[int]]]) -> int:
    return sum(prefix + sum(items) for prefix, items in groups)


def padded(groups: list[tuple[int, list[int]]], num_blocks_more: int = 0) -> int:
    return (-(-num_rows_of(groups) // QUERY_ROWS) + num_blocks_more) * QUERY_ROWS


def visible_pairs(groups: list[tuple[int, list[int]]], capacity: int) -> np.ndarray:
    """[N, N] by the definition: same group's prefix, or same sequence, and not later."""
    group_of, item_of = np.full(capacity, -1), np.full(capacity, -1)
    begin = 0
    for number, (prefix, items) in enumerate(groups):
        for item, length in enumerate([prefix, *items]):
            group_of[begin : begin + length], item_of[begin : begin + length] = number, item
            begin += length
    query, key = np.arange(capacity)[:, None], np.arange(capacity)[None]
    is_same_group = (group_of[:, None] == group_of[None]) & (group_of[:, None] >= 0)
    is_reached = (item_of[None] == 0) | (item_of[:, None] == item_of[None])
    return (query == key) | (is_same_group & is_reached & (key <= query))


def pairs_of(layout) -> np.ndarray:
    """[N, N] by the three numbers of a row."""
    query, key = np.arange(layout.capacity)[:, None], np.arange(layout.capacity)[None]
    is_own = (key >= layout.own_starts_N[:, None]) & (key <= query)
    return is_own | ((key >= layout.prefix_starts_N[:, None]) & (key < layout.prefix_ends_N[:, None]))


def blocks_of(table: BlockTable) -> list[set[int]]:
    return [{*indices[:count].tolist()} for count, indices in zip(table.counts_Q, table.indices_QK, strict=True)]


@given(GROUPS, st.integers(0, 2))
def test_three_numbers_a_row_are_the_mask(groups, num_blocks_more):
    """Claim: rows see their own prefix and their own earlier rows, and padding sees itself only."""
    capacity = padded(groups, num_blocks_more)
    assert (pairs_of(lay_out(groups, capacity)) == visible_pairs(groups, capacity)).all()


@given(GROUPS, st.integers(0, 2))
def test_blocks_are_those_that_all_pairs_give(groups, num_blocks_more):
    """Claim: a block is full where all its pairs are visible, partial where some are, and else not read."""
    capacity = padded(groups, num_blocks_more)
    layout = lay_out(groups, capacity)
    pairs = visible_pairs(groups, capacity).reshape(-1, QUERY_ROWS, capacity // KEY_ROWS, KEY_ROWS)
    is_some, is_all = pairs.any(axis=(1, 3)), pairs.all(axis=(1, 3))
    assert blocks_of(layout.full) == [{*np.flatnonzero(row).tolist()} for row in is_all]
    assert blocks_of(layout.partial) == [{*np.flatnonzero(row).tolist()} for row in is_some & ~is_all]
    for table in (layout.partial, layout.full):
        assert ((table.indices_QK >= 0) & (table.indices_QK < capacity // KEY_ROWS)).all(), "even what is not read"


@given(GROUPS)
def test_positions_and_last_rows_are_those_of_items_alone(groups):
    """Claim: an item goes on where its prefix ended, and its last row is where its last token stands."""
    layout = lay_out(groups, padded(groups))
    positions, last_rows = [], []
    for prefix, items in groups:
        positions += range(prefix)
        for length in items:
            positions += range(prefix, prefix + length)
            last_rows.append(len(positions) - 1)
    assert layout.positions_N[: layout.num_rows].tolist() == positions
    assert (layout.positions_N[layout.num_rows :] == 0).all()
    assert layout.last_rows == last_rows


def test_numbers_are_one_vector_of_a_known_length():
    """Claim: four numbers a row, then two tables; it depends on the capacity only."""
    for groups in ([(0, [1])], [(300, [200, 200])]):
        numbers = lay_out(groups, 768).numbers()
        assert (numbers.dtype, numbers.shape) == (np.int32, (4 * 768 + 2 * (12 + 12 * 24),))


@pytest.mark.parametrize("max_rows", [1, 128, 129, 2304, 8192, 16_384])
def test_capacities_waste_little_and_are_few(max_rows):
    """Claim: whole blocks, the largest pass fits, an eighth of padding at most above the smallest."""
    sizes = capacities(max_rows)
    assert sizes == sorted({*sizes})
    assert all(size % QUERY_ROWS == size % KEY_ROWS == 0 for size in sizes)
    assert sizes[-1] >= max_rows
    assert all(after - before <= max(128, before / 8) for before, after in pairwise(sizes))
    assert len(sizes) <= 41
