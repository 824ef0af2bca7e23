"""Alive: restarting would not help. Ready: live updates are processed."""

from dataclasses import replace

import pytest

from stream.liveness import Excuse, LaneFacts, judge

FINE = LaneFacts(
    is_lower=False,
    is_assigned=True,
    lag=5,
    assigned_age_s=1_000,
    answer_age_s=1,
    progress_age_s=1,
    blame_age_s=1,
    excuse=None,
)
STALLED = replace(FINE, progress_age_s=200, blame_age_s=200)
REFUSED = replace(STALLED, blame_age_s=0, excuse=Excuse.REFUSED)


@pytest.mark.parametrize(
    ("facts", "is_live", "is_ready"),
    [
        (FINE, True, True),
        (STALLED, False, False),
        (replace(STALLED, is_lower=True), False, False),
        (replace(STALLED, lag=0), True, True),
        (replace(STALLED, progress_age_s=99, blame_age_s=99), True, True),
        (REFUSED, True, False),
        (replace(REFUSED, is_lower=True), True, True),
        (replace(REFUSED, excuse=Excuse.HELD), True, True),
        (replace(REFUSED, excuse=Excuse.NO_SLOT), True, True),
        (replace(REFUSED, blame_age_s=150), False, False),
        (replace(FINE, answer_age_s=150), False, False),
        (replace(FINE, answer_age_s=99), True, True),
        (replace(FINE, is_assigned=False, assigned_age_s=50), True, False),
        (replace(FINE, is_assigned=False, assigned_age_s=150), False, False),
    ],
)
def test_the_table(facts: LaneFacts, *, is_live: bool, is_ready: bool) -> None:
    """Stall timeout 100 s. An excuse that ended long ago is none."""
    verdict = judge(facts, 100)
    assert (verdict.is_live, verdict.is_ready) == (is_live, is_ready)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (STALLED, ["5 records wait", "200 s"]),
        (REFUSED, ["5 records wait", "refused"]),
        (replace(FINE, answer_age_s=150), ["broker", "150 s"]),
        (replace(FINE, is_assigned=False, assigned_age_s=50), ["no partitions", "50 s"]),
    ],
)
def test_the_reason_is_said(facts: LaneFacts, words: list[str]) -> None:
    """With the numbers that led to it."""
    assert all(word in judge(facts, 100).reason for word in words)
    assert judge(FINE, 100).reason == ""
