"""Which queries a challenger gets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.arms.assignment import is_challengers, place_of

_QUERIES = [f"query {number}" for number in range(20_000)]
_SHARES = st.floats(0, 1)


@given(query=st.text(), salt=st.text(), shares=st.tuples(_SHARES, _SHARES))
def test_a_larger_share_only_takes_queries_from_the_champion(query: str, salt: str, shares: tuple[float, float]):
    """Whoever belonged to the challenger still does."""
    smaller, larger = sorted(shares)
    if is_challengers(query, salt=salt, share=smaller):
        assert is_challengers(query, salt=salt, share=larger)


@given(query=st.text(), salt=st.text())
def test_none_and_all_are_exact(query: str, salt: str):
    """A share of 0 is nobody, a share of 1 everybody."""
    assert 0 <= place_of(query, salt) < 1
    assert not is_challengers(query, salt=salt, share=0)
    assert is_challengers(query, salt=salt, share=1)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_share_of_the_queries_is_that_share(share: float):
    """Within five standard deviations of a binomial count."""
    count = sum(is_challengers(query, salt="", share=share) for query in _QUERIES)
    expected, deviation = len(_QUERIES) * share, math.sqrt(len(_QUERIES) * share * (1 - share))
    assert abs(count - expected) < 5 * deviation


def test_another_salt_deals_anew():
    """Of two experiments with half of the queries each, a quarter of the queries is in both."""
    both = sum(is_challengers(q, salt="a", share=0.5) and is_challengers(q, salt="b", share=0.5) for q in _QUERIES)
    assert abs(both / len(_QUERIES) - 0.25) < 0.02


def test_places_never_change():
    """Processes of different builds serve side by side during an update, and must agree."""
    assert place_of("night shift nurse berlin", "2026-11") == pytest.approx(0.36976705872566207)
