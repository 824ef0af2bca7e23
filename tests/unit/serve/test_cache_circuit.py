"""A cache that is slow again and again is left alone, and tried again."""

import pytest

from schemas.circuit import BreakerConfig
from serve.cache_circuit import CacheCircuit
from tests.doubles.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """The circuit's time."""
    return ManualClock()


@pytest.fixture
def opened(clock: ManualClock) -> CacheCircuit:
    """Open after two failures, for a second."""
    circuit = CacheCircuit(BreakerConfig(num_failures=2, first_pause_s=1.0, max_pause_s=1.0), clock=clock)
    for _ in range(2):
        assert not circuit.is_open
        circuit.ask().failed()
    return circuit


def test_it_is_not_asked_while_it_is_open(opened: CacheCircuit):
    """Nothing is begun, so nothing is paid."""
    assert opened.is_open
    assert opened.ask() is None


def test_one_look_up_tries_it_and_closes_it(opened: CacheCircuit, clock: ManualClock):
    """The others go on without it until that one is answered."""
    clock.advance(1)
    probe = opened.ask()
    assert opened.ask() is None
    probe.answered()
    assert not opened.is_open


def test_a_probe_whose_caller_left_shows_nothing(opened: CacheCircuit, clock: ManualClock):
    """The next look-up is the probe."""
    clock.advance(1)
    opened.ask().abandoned()
    assert opened.ask() is not None


def test_the_first_end_of_a_look_up_counts(opened: CacheCircuit, clock: ManualClock):
    """Every call cancels its look-up at its end, also one that was answered."""
    clock.advance(1)
    probe = opened.ask()
    probe.answered()
    probe.abandoned()
    probe.failed()
    assert not opened.is_open
