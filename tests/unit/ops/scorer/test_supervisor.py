"""When a worker is started again."""

from ops.scorer.supervisor import backoff_s


def test_the_first_restart_is_at_once_and_later_ones_wait_longer_within_a_bound():
    """One crash costs nothing; a worker that cannot start does not turn a core hot."""
    pauses = [backoff_s(number) for number in range(1, 12)]
    assert pauses[:4] == [0, 0.5, 1, 2]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30
