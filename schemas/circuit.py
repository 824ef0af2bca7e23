"""When to stop asking a backend that does not answer, and when to try again. Pure: states and what leads between them.

    closed --- num_failures failures in a row ---> open --- its pause is over ---> half-open (one probe)
      ^                                             ^                                    |
      +------------- the probe is answered ---------|------------------------------------+
                                                    +--- it is not: open, twice as long --+

Failures in a row, not a share of calls: where one node of several is away, calls for keys of the others succeed and
must go on. Only the probe decides in half-open, and what was asked before a change of state decides nothing after it:
thirty calls that time out together open the circuit once and lengthen no pause. A probe whose caller left before the
answer shows nothing: the next call is the probe.

Beside ``Deadline``, since store and engine clients both ask backends that may be away, and know nothing of each other.
"""

from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import ConfigurationError

__all__ = ["BreakerConfig", "BreakerState", "Circuit", "abandoned", "admitted", "answered", "failed"]

_GROWTH = 2.0
"""Each pause is this many times the one before."""


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    """All do."""
    OPEN = "open"
    """None does."""
    HALF_OPEN = "half-open"
    """One does, to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """When a circuit opens and how long it stays so."""

    num_failures: int = 5
    """Failures in a row that open it: enough to be no coincidence, few enough to spare the threads their time-outs."""
    first_pause_s: float = 0.5
    """Seconds from opening to the first probe: about what a node takes to restart its service."""
    max_pause_s: float = 5.0
    """Longest pause in seconds: so much later than the backend itself may its users be back."""

    def __post_init__(self) -> None:
        if self.num_failures < 1 or not 0 < self.first_pause_s <= self.max_pause_s:
            raise ConfigurationError(
                f"circuit breaker: num_failures {self.num_failures!r} must be at least 1, and first_pause_s "
                f"{self.first_pause_s!r} above 0 and at most max_pause_s {self.max_pause_s!r}"
            )


@dataclass(frozen=True, slots=True)
class Circuit:
    """One state.

    Attributes:
        state: Whether calls go through.
        num_failures: In a row, while closed.
        epoch: Number of state changes so far; a call belongs to the epoch in which it was admitted.
        pause_s: The present or last pause, in seconds; 0 where there was none since it was last closed.
        retry_at_s: When a probe may go, by the caller's clock; means nothing while closed.
    """

    state: BreakerState = BreakerState.CLOSED
    num_failures: int = 0
    epoch: int = 0
    pause_s: float = 0.0
    retry_at_s: float = 0.0


def admitted(circuit: Circuit, now_s: float) -> Circuit | None:
    """The circuit with one more call under way, which belongs to its epoch; None where the call may not go."""
    match circuit.state:
        case BreakerState.CLOSED:
            return circuit
        case BreakerState.OPEN if now_s >= circuit.retry_at_s:
            return Circuit(BreakerState.HALF_OPEN, 0, circuit.epoch + 1, circuit.pause_s, circuit.retry_at_s)
    return None


def answered(circuit: Circuit, epoch: int) -> Circuit:
    """The circuit after a call of an epoch was answered, be it by a refusal of what it asked."""
    if epoch != circuit.epoch:
        return circuit
    if circuit.state is BreakerState.HALF_OPEN:
        return Circuit(epoch=circuit.epoch + 1)
    return circuit if circuit.num_failures == 0 else Circuit(epoch=circuit.epoch)


def failed(circuit: Circuit, epoch: int, now_s: float, config: BreakerConfig) -> Circuit:
    """The circuit after a call of an epoch was not answered, or the backend said that it cannot serve."""
    if epoch != circuit.epoch:
        return circuit
    num_failures = circuit.num_failures + 1
    if circuit.state is BreakerState.CLOSED and num_failures < config.num_failures:
        return Circuit(num_failures=num_failures, epoch=circuit.epoch)
    pause_s = min(config.max_pause_s, circuit.pause_s * _GROWTH or config.first_pause_s)
    return Circuit(BreakerState.OPEN, 0, circuit.epoch + 1, pause_s, now_s + pause_s)


def abandoned(circuit: Circuit, epoch: int, now_s: float) -> Circuit:
    """The circuit after a call of an epoch ended without showing anything: its caller left, or had too little time."""
    if epoch != circuit.epoch or circuit.state is not BreakerState.HALF_OPEN:
        return circuit
    return Circuit(BreakerState.OPEN, 0, circuit.epoch + 1, circuit.pause_s, now_s)
