"""The bound on queued tokens."""

import pytest

from models.engine.admission import TokenGate
from models.engine.errors import InvalidRequest, Overloaded


def test_tokens_are_given_back_however_the_request_ends() -> None:
    """Claim: a failed request frees its tokens, and each change is reported."""
    held: list[float] = []
    gate = TokenGate(10, held.append)
    with pytest.raises(RuntimeError), gate.hold(10):
        raise RuntimeError
    with gate.hold(10):
        pass
    assert held == [10, 0, 10, 0]


def test_a_full_gate_refuses_and_takes_nothing() -> None:
    """Claim: what does not fit is refused without holding any of it."""
    gate = TokenGate(10, lambda _: None)
    with gate.hold(6):
        with pytest.raises(Overloaded), gate.hold(5):
            pass
        with gate.hold(4):
            pass


def test_the_time_to_come_back_follows_the_measured_rate() -> None:
    """Claim: Retry-After is the time until the missing tokens are likely free, from 1 to 30 seconds."""

    def hint(tokens_per_s: float) -> int | None:
        gate = TokenGate(10_000, lambda _: None)
        for _ in range(60):
            gate.observe(int(tokens_per_s * 2), 2.0)
        with gate.hold(10_000), pytest.raises(Overloaded) as refused, gate.hold(4_000):
            pass
        return refused.value.retry_after_s

    assert [hint(100_000), hint(1_000), hint(10)] == [1, 4, 30]


def test_a_request_over_the_whole_bound_is_the_callers_mistake() -> None:
    """Claim: waiting cannot help it, so it is not told to wait."""
    with pytest.raises(InvalidRequest, match="split it"), TokenGate(10, lambda _: None).hold(11):
        pass
