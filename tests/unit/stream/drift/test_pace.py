"""The waits between calls: a limit a minute, and more where the engine has others to serve."""

from stream.drift.pace import Pace


def test_an_idle_engine_is_asked_as_often_as_allowed():
    """Answers as fast as the fastest change nothing."""
    pace = Pace.per_minute(60)
    for _ in range(20):
        pace = pace.answered(0.1, 1_000)
        assert pace.wait_s == 1.0


def test_slow_answers_double_the_wait_and_fast_ones_halve_it():
    """Slow by token: a longer prompt is not a busy engine."""
    pace = Pace.per_minute(60).answered(0.1, 1_000)
    assert pace.answered(0.3, 3_000).wait_s == 1.0
    slow = pace.answered(0.3, 1_000).answered(0.3, 1_000)
    assert slow.wait_s == 4.0
    assert slow.answered(0.1, 1_000).wait_s == 2.0
    assert slow.answered(0.1, 1_000).answered(0.1, 1_000).answered(0.1, 1_000).wait_s == 1.0


def test_a_moment_is_no_queue():
    """Twice the usual of an engine that answers in no time is the noise of a busy machine."""
    assert Pace.per_minute(60).answered(0.001, 100).answered(0.02, 100).wait_s == 1.0


def test_the_wait_is_bounded():
    """Failures for ever are a call a minute; a slower limit stands."""
    pace, rare = Pace.per_minute(60), Pace.per_minute(0.5)
    for _ in range(50):
        pace, rare = pace.failed(), rare.failed()
    assert (pace.wait_s, rare.wait_s) == (60.0, 120.0)


def test_a_refusal_is_waited_out():
    """As long as the engine says, up to a minute."""
    assert Pace.per_minute(60).failed(7.0).wait_s == 7.0
    assert Pace.per_minute(60).failed(1_000.0).wait_s == 60.0
    assert Pace.per_minute(6_000).failed().wait_s == 1.0


def test_a_slower_engine_becomes_the_usual():
    """The same calls, for long, are no longer slow: another machine must not stop the monitor for good."""
    pace = Pace.per_minute(60).answered(0.1, 1_000)
    for _ in range(100):
        pace = pace.answered(0.3, 1_000)
    assert pace.wait_s == 1.0
