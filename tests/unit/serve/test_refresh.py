"""When a cached score is old enough to be scored anew."""

from datetime import timedelta

import pytest

from schemas.documents import ScoreEntry
from serve.refresh import SoftAge
from store.score_policy import ScorePolicy
from tests.doubles.summaries import LONG_AGO

_ENTRY = ScoreEntry(item_version="v1", score=0.5, scored_at=LONG_AGO)


def test_an_entry_is_due_at_its_share_of_its_life():
    """Exactly there it is, a moment earlier not."""
    soft = SoftAge(ScorePolicy(1000, jitter=0), 0.6)
    assert soft.is_due("query", _ENTRY, LONG_AGO + timedelta(seconds=600))
    assert not soft.is_due("query", _ENTRY, LONG_AGO + timedelta(seconds=599.999))


@pytest.mark.parametrize("query", ["a", "b", "c", "d", "e"])
def test_every_query_is_due_before_its_entries_expire(query: str):
    """The jitter is that of the hard limit, so the time between the two is never lost to it."""
    policy = ScorePolicy(1000, jitter=0.9)
    due_at = LONG_AGO + timedelta(seconds=0.6 * policy.life_s(query) + 0.001)
    assert SoftAge(policy, 0.6).is_due(query, _ENTRY, due_at)
    assert policy.is_live(query, LONG_AGO, due_at.timestamp())
    dues = {SoftAge(policy, 0.6).policy.life_s(each) for each in "abcde"}
    assert len(dues) == 5
