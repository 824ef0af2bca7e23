"""The measured speed of the ranker."""

import pytest

from serve.speed import Ended, SpeedMeter


def test_estimate_approaches_the_measured_speed():
    """After some packs of 500 tokens a second, the initial guess is forgotten."""
    meter = SpeedMeter(20_000)
    for second in range(40):
        meter.started(0, second)
        meter.finished(500, Ended.SERVED, second + 1)
    assert meter.tokens_per_s == pytest.approx(500, rel=0.01)


def test_idle_time_is_not_measured():
    """The same pack after an hour without work means the same speed."""
    meter = SpeedMeter(500)
    meter.started(0, 0)
    meter.finished(500, Ended.SERVED, 1)
    meter.started(0, 3600)
    meter.finished(500, Ended.SERVED, 3601)
    assert meter.tokens_per_s == pytest.approx(500)


def test_concurrent_packs_add_up():
    """Two packs done in the same second are twice the speed of one."""
    meter = SpeedMeter(1000)
    meter.started(0, 0)
    meter.started(500, 0)
    meter.finished(500, Ended.SERVED, 0)  # at the same instant: measured with the next
    meter.finished(500, Ended.SERVED, 1)
    assert meter.tokens_per_s == pytest.approx(1000)


def test_misses_slow_the_estimate_and_never_raise_it():
    """Tokens that were not done in time show that the ranker is at most so fast."""
    meter = SpeedMeter(1000)
    meter.started(0, 0)
    meter.finished(100, Ended.MISSED, 1)
    slowed = meter.tokens_per_s
    meter.started(0, 1)
    meter.finished(100_000, Ended.MISSED, 2)
    assert slowed < 1000
    assert meter.tokens_per_s == slowed


def test_dropped_tokens_say_nothing():
    """A connection error is not slowness."""
    meter = SpeedMeter(1000)
    meter.started(0, 0)
    meter.finished(100, Ended.DROPPED, 10)
    assert meter.tokens_per_s == 1000
