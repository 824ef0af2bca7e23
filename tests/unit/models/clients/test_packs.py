"""Packs: the items of one engine request."""

from hypothesis import given
from hypothesis import strategies as st

from models.clients.packs import split_packs


@given(st.lists(st.integers(1, 200), max_size=60), st.integers(1, 50), st.integers(1, 500), st.integers(1, 10))
def test_packs_cover_each_item_once_in_order_within_both_limits(
    costs: list[int], prefix: int, max_tokens: int, max_items: int
):
    """No item is lost, doubled or moved; no pack of several items is over a limit."""
    packs = split_packs(costs, prefix_tokens=prefix, max_tokens=max_tokens, max_items=max_items)
    assert [index for pack in packs for index in pack] == list(range(len(costs)))
    for pack in packs:
        assert 1 <= len(pack) <= max_items
        assert len(pack) == 1 or prefix + sum(costs[pack.start : pack.stop]) <= max_tokens


def test_packs_are_filled():
    """The prefix is counted once a pack, and the next item opens a new one only where it does not fit."""
    assert split_packs([40, 40, 40, 40, 40], prefix_tokens=20, max_tokens=100, max_items=64) == [
        range(2),
        range(2, 4),
        range(4, 5),
    ]
