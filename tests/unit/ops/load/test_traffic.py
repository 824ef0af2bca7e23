import json
from collections import Counter
from random import Random

import pytest

from ops.load.traffic import Catalogue, Mix, Traffic, zipf_weights

MIX = Mix(num_queries=200, num_candidates=20, insensitive_share=0.25)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(seed=1, size=200)


def _bodies(traffic: Traffic, query_set: int = 1, rate: float = 20.0) -> list[dict]:
    return [json.loads(call.body) for call in traffic.calls(query_set, rate, 50.0)]


def test_weights_fall_as_the_law_says() -> None:
    """The second rank has half the weight of the first, with exponent 1."""
    assert zipf_weights(4, 1.0) == [1, 1 / 2, 1 / 3, 1 / 4]
    assert zipf_weights(3, 0.0) == [1, 1, 1]


def test_calls_are_the_same_for_one_seed(catalogue: Catalogue) -> None:
    """Times, queries, candidates and classes; another seed gives others."""
    first = list(Traffic(catalogue, MIX, 1).calls(1, 20, 20))
    assert first == list(Traffic(catalogue, MIX, 1).calls(1, 20, 20))
    assert first != list(Traffic(catalogue, MIX, 2).calls(1, 20, 20))


def test_queries_are_distinct_and_the_first_are_frequent(catalogue: Catalogue) -> None:
    """The most frequent query comes about as often as the law says."""
    assert len({query.text for query in catalogue.queries(200)}) == 200
    bodies = _bodies(Traffic(catalogue, MIX, 1), rate=100.0)
    (_, count), *_ = Counter(body["query"] for body in bodies).most_common()
    assert count / len(bodies) == pytest.approx(1 / sum(zipf_weights(200, 1.0)), rel=0.15)


def test_sets_of_queries_share_no_text(catalogue: Catalogue) -> None:
    """So no cache can have seen one of another set, or of another run's salt."""
    texts = [
        {body["query"] for body in _bodies(Traffic(catalogue, MIX, 1, salt), query_set)}
        for query_set, salt in ((1, 0), (2, 0), (1, 7))
    ]
    assert len(set.union(*texts)) == sum(map(len, texts))


def test_one_query_has_mostly_the_same_candidates(catalogue: Catalogue) -> None:
    """All but the few that a call replaces; never one twice."""
    traffic, rng = Traffic(catalogue, MIX, 1), Random(3)
    first, second = traffic.candidates(0, rng), traffic.candidates(0, rng)
    assert len(set(first)) == len(set(second)) == 20
    assert first != second
    assert len(set(first) & set(second)) >= 18
    assert len(set(first) & set(traffic.candidates(1, rng))) < 18


def test_candidates_fit_the_query(catalogue: Catalogue) -> None:
    """The query's own occupation is there far more often than by chance."""
    occupations = {posting.job_id: posting.occupation for posting in catalogue.postings}
    traffic, queries = Traffic(catalogue, MIX, 1), catalogue.queries(200)
    found = [
        occupations[job_id] == queries[number].occupation
        for number in range(50)
        for job_id in traffic.candidates(number, Random(1))
    ]
    assert sum(found) / len(found) > 5 / len(set(occupations.values()))


def test_bodies_say_class_deadline_consistency_and_fallback(catalogue: Catalogue) -> None:
    """A quarter of the calls is latency-insensitive; consistency is sent only where it was asked for."""
    bodies = _bodies(Traffic(catalogue, MIX, 1))
    classes = Counter(body["class"] for body in bodies)
    assert classes["latency_insensitive"] / len(bodies) == pytest.approx(0.25, abs=0.05)
    assert all(body.keys() == {"query", "job_ids", "deadline_ms", "class", "fallback"} for body in bodies)
    bounded = Traffic(catalogue, Mix(num_queries=10, num_candidates=5, consistency="bounded"), 1)
    assert {(body["consistency"], body["max_lag_ms"]) for body in _bodies(bounded)} == {("bounded", 2_000)}
