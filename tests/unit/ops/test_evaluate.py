"""NDCG@10 as the demo measures it."""

import math

import pytest

from ops.demo.evaluate import fallback_scores, ndcg_at_10, random_ndcg_at_10
from ops.demo.samples import JudgedQuery
from schemas.documents import State
from schemas.statistics import quantile
from tests.doubles.summaries import summary_of

QUERY = JudgedQuery("q", "baker", {"a": 4, "b": 0, "c": 2})


def dcg(*gains):
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def test_ndcg_equals_the_formula_with_linear_gain():
    """An order with known grades gives the value computed by hand."""
    value = ndcg_at_10([QUERY], lambda _: {"b": 3.0, "c": 2.0, "a": 1.0})
    assert value == pytest.approx(dcg(0, 2, 4) / dcg(4, 2, 0))


def test_the_ideal_order_is_one():
    """Ranking by the grades themselves is perfect."""
    assert ndcg_at_10([QUERY], lambda query: query.grades) == pytest.approx(1)


def test_a_candidate_without_score_comes_last():
    """An unscored candidate cannot gain a place."""
    assert ndcg_at_10([QUERY], lambda _: {"c": 0.1, "b": 0.05}) == pytest.approx(dcg(2, 0, 4) / dcg(4, 2, 0))


def test_ties_are_broken_the_same_way_each_time_and_not_by_id():
    """Equal scores help nobody: over many queries they rank as chance does."""
    queries = [JudgedQuery(f"q{number}", "x", {"a": 4, "z": 0}) for number in range(300)]
    tied = ndcg_at_10(queries, lambda _: {"a": 1.0, "z": 1.0})
    assert tied == ndcg_at_10(queries, lambda _: {"a": 1.0, "z": 1.0})
    assert tied == pytest.approx((1 + dcg(0, 4) / 4) / 2, abs=0.05)
    assert random_ndcg_at_10(queries) == pytest.approx((1 + dcg(0, 4) / 4) / 2, abs=0.02)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.99, 4), (0.01, 1), (1.0, 4)])
def test_quantiles_are_values_that_were_measured(share, expected):
    """Nearest rank, no interpolation."""
    assert quantile([4, 1, 3, 2], share) == expected


def test_no_values_have_no_quantile():
    """Nothing measured is None, not 0."""
    assert quantile([], 0.5) is None


def test_the_fallback_is_that_of_the_scorer_over_what_can_be_scored():
    """More words are better; a deleted job has no score, so it comes last."""
    documents = {
        "a": summary_of("a", "night shift"),
        "b": summary_of("b", "Night shift, part time"),
        "gone": summary_of("gone", "night shift part time", state=State.DELETED),
    }
    scores = fallback_scores("NIGHT shift part time", documents)
    assert scores.keys() == {"a", "b"}
    assert scores["b"] > scores["a"] > 0
