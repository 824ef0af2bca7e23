"""What depth costs: the merge, and the table made of it."""

import pytest

from ops.bench.depth import DepthRow, merged, ndcg_by_depth, retrieved
from ops.demo.evaluate import best_first, ndcg_at_10
from ops.demo.samples import JudgedQuery
from ops.demo.scores import JudgedScores

_CANDIDATES = ["a", "b", "c", "d"]
_SCORES = {"a": 0.1, "b": 0.9, "c": 0.5, "d": 1.0}


@pytest.mark.parametrize(
    ("depth", "expected"), [(0, "abcd"), (1, "abcd"), (2, "bacd"), (3, "bcad"), (4, "dbca"), (9, "dbca")]
)
def test_scored_ones_by_score_then_the_others_as_they_came(depth: int, expected: str):
    """Only the first ``depth`` may move, and only among themselves."""
    assert "".join(merged(_CANDIDATES, _SCORES, depth)) == expected


def test_a_candidate_that_the_ranker_left_out_goes_behind():
    """It has no score to be ordered by."""
    assert merged(_CANDIDATES, {"b": 0.2, "c": 0.5}, 3) == ["c", "b", "a", "d"]


def _judged(num_queries: int) -> list[JudgedQuery]:
    """Queries with twelve candidates, of which the last by words alone is the good one."""
    grades = {f"j{number:02}": 4 if number == 11 else 0 for number in range(12)}
    return [JudgedQuery(f"q{number}", "x", grades) for number in range(num_queries)]


def _scores(judged: list[JudgedQuery], *, num_right: int) -> JudgedScores:
    """Words alone order by id; the ranker knows the grades of the first queries, and of the others their opposite."""
    lexical = {query.query_id: {job_id: -int(job_id[1:]) for job_id in query.grades} for query in judged}
    ranker = {
        query.query_id: {job_id: grade if place < num_right else -grade for job_id, grade in query.grades.items()}
        for place, query in enumerate(judged)
    }
    return JudgedScores(ranker, lexical)


def _table(judged: list[JudgedQuery], scores: JudgedScores, *shares: float) -> list[DepthRow]:
    return ndcg_by_depth(judged, scores.ranker, retrieved(judged, scores.lexical), shares=shares)


def test_the_ends_of_the_table_are_the_ranker_and_words_alone():
    """Share 1 is the ranker's order, share 0 the caller's; in between the good one is not reached before its place."""
    judged = _judged(20)
    scores = _scores(judged, num_right=20)
    rows = _table(judged, scores, 1.0, 0.95, 0.9, 0.0)
    assert [row.depth for row in rows] == [12, 12, 11, 0]  # rounded up, as the scorer does
    assert [row.ndcg_at_10 for row in rows] == [1, 1, 0, 0]
    assert rows[0].ndcg_at_10 == pytest.approx(ndcg_at_10(judged, lambda query: scores.ranker[query.query_id]))
    assert rows[3].ndcg_at_10 == pytest.approx(ndcg_at_10(judged, lambda query: scores.lexical[query.query_id]))
    assert (rows[0].change, rows[3].change) == (0, -1)


def test_intervals_are_of_the_queries():
    """Ten of forty queries go right: a quarter on average, with the interval of a binomial; none without spread."""
    judged = _judged(40)
    full, none = _table(judged, _scores(judged, num_right=10), 1.0, 0.0)
    assert full.ndcg_at_10 == 0.25
    assert full.ndcg_low == pytest.approx(0.25 - 1.96 * (0.25 * 0.75 / 40) ** 0.5, abs=0.03)
    assert full.ndcg_high == pytest.approx(0.25 + 1.96 * (0.25 * 0.75 / 40) ** 0.5, abs=0.03)
    assert (none.ndcg_low, none.ndcg_high) == (0, 0)
    assert none.change == -0.25
    assert none.change_low == pytest.approx(-full.ndcg_high, abs=1e-9)


def test_the_same_table_each_time():
    """Ties and samples are drawn from the seed alone."""
    judged = _judged(10)
    scores = _scores(judged, num_right=4)
    assert _table(judged, scores, 1.0, 0.5) == _table(judged, scores, 1.0, 0.5)


def test_an_order_of_no_scores_is_chance():
    """Over many queries the good one stands anywhere, the same in each run."""
    judged = _judged(240)
    orders = retrieved(judged, {})
    places = [order.index("j11") for order in orders.values()]
    assert orders == retrieved(judged, {})
    assert sum(places) / len(places) == pytest.approx(5.5, abs=0.7)
    assert set(places) == set(range(12))


def test_best_first_puts_those_without_a_score_last():
    """As the measure of the demo did, from which it was taken."""
    query = _judged(1)[0]
    order = best_first(query, {"j05": 1.0, "j02": 2.0})
    assert order[:2] == ["j02", "j05"]
    assert sorted(order) == sorted(query.grades)
