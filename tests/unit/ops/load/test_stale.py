import pytest

from ops.load.stale import History, Judge, Write
from tests.unit.ops.load.builders import result, sent


def _judge(*writes: Write) -> Judge:
    history = History()
    for write in writes:
        history.note("a", write)
    return Judge(history)


FIRST = Write(10.0, 1, "v1", is_deleted=False)
EDIT = Write(20.0, 2, "v2", is_deleted=False)
DELETION = Write(30.0, 3, "v2", is_deleted=True)


@pytest.mark.parametrize(
    ("at_s", "answered", "is_stale"),
    [
        (15.0, result(version="v1"), False),
        (15.0, result(version="v2"), False),  # written after the call was sent, before it was answered
        (25.0, result(version="v2"), False),
        (25.0, result(version="v1"), True),
        (25.0, result(version="v1", score=None, reason="depth"), True),
        (25.0, result(version=None, score=None, reason="deleted"), False),  # the deletion came meanwhile
        (35.0, result(version=None, score=None, reason="deleted"), False),
        (35.0, result(version="v2"), True),
        (5.0, result(version="v9"), False),  # nothing was known yet
    ],
)
def test_what_is_stale(at_s: float, answered, is_stale: bool) -> None:
    """A superseded version, or a deleted job with a score, by a write that was known when the call was sent."""
    judge = _judge(FIRST, EDIT, DELETION)
    judge.see(sent(due_s=at_s), {"results": [answered]})
    assert bool(judge.stale) is is_stale
    assert judge.num_judged == (at_s >= 10)


def test_bounded_calls_may_be_as_old_as_their_bound() -> None:
    """And no older."""
    for allowed_lag_s, is_stale in ((2.0, False), (1.0, True)):
        judge = _judge(FIRST, EDIT)
        judge.allowed_lag_s = allowed_lag_s
        judge.see(sent(due_s=21.5), {"results": [result(version="v1")]})
        assert bool(judge.stale) is is_stale


@pytest.mark.parametrize("reason", ["deleted", "no_summary"])
def test_a_live_job_that_is_said_to_be_gone_is_stale(reason: str) -> None:
    """It was written before the call."""
    judge = _judge(FIRST)
    judge.see(sent(due_s=15.0), {"results": [result(version=None, score=None, reason=reason)]})
    assert judge.stale


def test_a_job_posted_again_is_live() -> None:
    """Whether or not the deletion is still answered is a matter of when the call was sent."""
    judge = _judge(FIRST, DELETION, Write(40.0, 4, "v4", is_deleted=False))
    judge.see(sent(due_s=45.0), {"results": [result(version="v4")]})
    assert judge.stale == []
    judge.see(sent(due_s=45.0), {"results": [result(version=None, score=None, reason="deleted")]})
    assert len(judge.stale) == 1


def test_the_changelog_may_tell_twice_and_late() -> None:
    """The rev is the order of writes, not the place in the changelog."""
    judge = _judge(EDIT, Write(50.0, 1, "v1", is_deleted=False))
    judge.see(sent(due_s=60.0), {"results": [result(version="v1")]})
    assert len(judge.stale) == 1


def test_a_version_that_nobody_told_of_is_counted_apart() -> None:
    """It is neither right nor wrong."""
    judge = _judge(FIRST)
    judge.see(sent(due_s=15.0), {"results": [result(version="v7")]})
    assert (judge.stale, judge.num_unknown) == ([], 1)
