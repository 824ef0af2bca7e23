"""Cosines of two encoders become probabilities, by a map that is fitted where grades are known."""

import numpy as np
import pytest

from models.training.small.similar import likeness_of
from tests.engine.training.small.letters import LetterEncoder

pytestmark = pytest.mark.training

JOBS = ("bake", "weld", "cook", "drive", "teach")


def grade(query, title):
    """The same verb is the same occupation."""
    return 4 if query[:4] == title[:4].lower() else 0


def test_the_nearer_the_likelier():
    """Known titles are told apart, unknown ones likewise, and no probability leaves [0, 1] by more than its order."""
    queries = [f"{job}r" for job in JOBS]
    titles = [*(f"{job}ing" for job in JOBS), *(f"{job.upper()}RS" for job in JOBS)]
    found = likeness_of(queries, titles, grade, len(JOBS), [LetterEncoder(), LetterEncoder()])
    assert found.same_QT.shape == (5, 10)
    assert float(found.same_QT.min()) > -1e-3
    assert float(found.same_QT.max()) < 1 + 1e-3
    for query in range(5):
        assert int(found.same_QT[query, :5].argmax()) == query
        assert int(found.same_QT[query, 5:].argmax()) == query
        assert found.same_QT[query, query] > 0.5 > np.delete(found.same_QT[query, :5], query).mean()


def test_an_ad_is_known_by_its_body_where_its_title_says_nothing():
    """The last titles are those of ads, which are read whole."""
    queries, titles = [f"{job}r" for job in JOBS], [f"{job}ing" for job in JOBS]
    bodies = [f"{job} {job} {job}" for job in JOBS]
    found = likeness_of(queries, [*titles, *(["-"] * 5)], grade, 5, [LetterEncoder()], bodies)
    assert [int(row[5:].argmax()) for row in found.same_QT] == list(range(5))


def test_the_same_input_gives_the_same_map():
    """Whatever is drawn is drawn from what is given."""
    queries, titles = [f"{job}r" for job in JOBS], [f"{job}ing" for job in JOBS]
    one, other = (likeness_of(queries, titles, grade, 5, [LetterEncoder()]) for _ in range(2))
    assert np.array_equal(one.same_QT, other.same_QT)
