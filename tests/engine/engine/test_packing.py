"""Where the rows of a pass stand."""

import random

import pytest

from models.engine.packing import WIDTH_STEP, ItemRows, plan_blocks


def random_lengths(seed: int) -> list[int]:
    rng = random.Random(seed)
    return [rng.choice([1, 2, 7, 30, 200]) for _ in range(rng.randint(1, 40))]


@pytest.mark.parametrize("seed", range(20))
def test_every_item_stands_in_exactly_one_block_that_is_wide_enough(seed: int) -> None:
    """Claim: blocks partition the items, and none is cut."""
    lengths = random_lengths(seed)
    blocks = plan_blocks(lengths)
    assert sorted(item for block in blocks for item in block.items) == list(range(len(lengths)))
    assert all(lengths[item] <= block.width for block in blocks for item in block.items)


@pytest.mark.parametrize("seed", range(20))
def test_one_long_item_does_not_pad_many_short_ones(seed: int) -> None:
    """Claim: but for rounding its width up, a rectangle has at most twice the rows of its items."""
    lengths = random_lengths(seed)
    for block in plan_blocks(lengths):
        inside = [lengths[item] for item in block.items]
        assert len(inside) * max(inside) <= 2 * sum(inside)
        assert 0 <= block.width - max(inside) < WIDTH_STEP


@pytest.mark.parametrize("lengths", [(1,), (3, 3), (1, 4, 2), (5, 1), (100, 1, 2, 90)])
def test_padding_shows_own_rows_only_and_is_undone(lengths: tuple[int, ...]) -> None:
    """Claim: each row of a rectangle holds rows of its own item, and places lead back to row order."""
    rows, blocks = ItemRows(lengths), plan_blocks(lengths)
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    flat = []
    for block in blocks:
        for item, padded in zip(block.items, rows.padded_rows(block), strict=True):
            start, length = starts[item], lengths[item]
            assert set(padded) == set(range(start, start + length))
            assert padded[:length] == list(range(start, start + length))
            flat += padded
    assert [flat[place] for place in rows.places(blocks)] == list(range(sum(lengths)))
    assert rows.last_rows() == [start + length - 1 for start, length in zip(starts, lengths, strict=True)]
