"""How differently two rankers see the same candidates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.arms.comparison import compare, rank_correlation

_VALUES = st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9])  # few, so that ties come often


@given(pairs=st.lists(st.tuples(_VALUES, _VALUES), max_size=30))
def test_rank_correlation_is_that_of_all_pairs(pairs: list[tuple[float, float]]):
    """Counted one by one, with the tied ones left out."""
    signs = [(a[0] - b[0]) * (a[1] - b[1]) for index, a in enumerate(pairs) for b in pairs[:index]]
    concordant, discordant = sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs)
    counted = concordant + discordant
    assert rank_correlation(pairs) == ((concordant - discordant) / counted if counted else None)


def test_order_overlap_and_differences():
    """The same order is 1, the reverse -1; differences have the sign of the ranker on trial."""
    first = {f"item {n}": n / 20 for n in range(20)}
    same = compare(first, {item: score / 2 for item, score in first.items()})
    reverse = compare(first, {item: 1 - score for item, score in first.items()})
    assert (same.rank_correlation, same.overlap_at_10) == (1, 1)
    assert same.differences[-1] == pytest.approx(-0.475)
    assert (reverse.rank_correlation, reverse.overlap_at_10) == (-1, 0)


def test_items_that_only_one_has_scored_do_not_count():
    """A shadow that was cut short is compared on what it has."""
    found = compare({"a": 0.1, "b": 0.2, "c": 0.3}, {"a": 0.2, "c": 0.4, "d": 0.9})
    assert len(found.differences) == 2
    assert found.overlap_at_10 == 1
    assert compare({"a": 0.1}, {"b": 0.1}) is None
