"""Which items share a pass, and where their rows stand."""

import random

import pytest

from models.engine.packing import PackLayout, plan_packs


def random_lengths(seed: int) -> list[int]:
    rng = random.Random(seed)
    return [rng.choice([1, 2, 7, 30, 200]) for _ in range(rng.randint(0, 40))]


@pytest.mark.parametrize("seed", range(20))
def test_every_item_stands_in_exactly_one_pack_within_the_budget(seed: int) -> None:
    """Claim: packs partition the items, and only an item longer than the budget exceeds it, alone."""
    lengths = random_lengths(seed)
    packs = plan_packs(lengths, 64)
    assert sorted(index for pack in packs for index in pack.indices) == list(range(len(lengths)))
    for pack in packs:
        assert len(pack.indices) == 1 or sum(lengths[index] for index in pack.indices) <= 64


@pytest.mark.parametrize("seed", range(20))
def test_one_long_item_does_not_pad_many_short_ones(seed: int) -> None:
    """Claim: the padded rectangle of a pack has at most twice the rows of its items."""
    lengths = random_lengths(seed)
    for pack in plan_packs(lengths, 4096):
        inside = [lengths[index] for index in pack.indices]
        assert len(inside) * max(inside) <= 2 * sum(inside)


def test_no_items_make_no_pack() -> None:
    """Claim: an empty request needs no pass."""
    assert plan_packs([], 64) == []


@pytest.mark.parametrize("lengths", [(1,), (3, 3), (1, 4, 2), (5, 1)])
def test_padding_shows_own_rows_only_and_is_undone(lengths: tuple[int, ...]) -> None:
    """Claim: each row of the rectangle holds rows of its own item, and flat_places leads back to row order."""
    layout = PackLayout(lengths)
    padded = layout.padded_rows()
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    for item, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        assert set(padded[item]) == set(range(start, start + length))
        assert padded[item][:length] == list(range(start, start + length))
    flat = [row for rows in padded for row in rows]
    assert [flat[place] for place in layout.flat_places()] == list(range(sum(lengths)))
    assert layout.last_rows() == [start + length - 1 for start, length in zip(starts, lengths, strict=True)]
