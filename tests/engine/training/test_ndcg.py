"""nDCG@10: one truth, golden numbers by hand."""

from math import log2

import pytest

from models.training.data import GeneratedPosting, GeneratedQuery, JudgedQuery
from models.training.measures import ndcg_at_10, ndcg_at_10_by_query


def test_linear_gain_by_hand():
    """Grades 4, 1, 3 in the order ranked, 3 and 1 swapped against the best order."""
    gained = 4 + 1 / log2(3) + 3 / 2
    best = 4 + 3 / log2(3) + 1 / 2
    assert ndcg_at_10_by_query([[3, 4, 1]], [[0.1, 0.9, 0.5]]) == [pytest.approx(gained / best)]


def test_only_ten_places_count():
    """The only relevant one in eleventh place counts nothing; in tenth it counts."""
    grades = [[0] * 10 + [4]]
    assert ndcg_at_10_by_query(grades, [[11.0 - place for place in range(11)]]) == [0.0]
    scores = [[11.0 - place for place in range(9)] + [1.0, 2.0]]
    assert ndcg_at_10_by_query(grades, scores) == [pytest.approx(1 / log2(11))]


def test_equal_scores_keep_the_order_of_the_candidates():
    """Not the order of their ids, and not a random one."""
    assert ndcg_at_10_by_query([[4, 0], [0, 4]], [[0.5, 0.5], [0.5, 0.5]]) == [1.0, pytest.approx(1 / log2(3))]


def test_queries_come_back_in_order_and_without_relevant_ones_as_zero():
    """Twelve queries: as text their numbers would sort 10 before 2."""
    grades = [[int(place == 11), 0] for place in range(12)]
    assert ndcg_at_10_by_query(grades, [[0.9, 0.1]] * 12) == [0.0] * 11 + [1.0]


def test_the_mean_is_of_the_same_values():
    """The figure of a training and the report's are one measure."""
    posting = GeneratedPosting("a", {}, "", "o", "f", {}, ())
    query = GeneratedQuery("q", "o", "f", ())
    judged = [JudgedQuery(query, (posting, posting, posting), grades) for grades in ((3, 4, 1), (0, 2, 2))]
    scores = [[0.1, 0.9, 0.5], [0.3, 0.2, 0.1]]
    assert ndcg_at_10(judged, scores) == pytest.approx(sum(ndcg_at_10_by_query([(3, 4, 1), (0, 2, 2)], scores)) / 2)
