"""Whether the score cache is asked at all: one that is slow again and again is left alone for a while.

Each look-up that fails or exceeds its budget costs its call that budget. After a few in a row none is begun until a
pause is over, then one, to see (``schemas.circuit``). This is the scorer's own: an adapter's breaker counts outages of
the server by the adapter's time-outs, which are longer than the scorer's patience.
"""

import time
from collections.abc import Callable

from schemas.circuit import BreakerConfig, BreakerState, Circuit, abandoned, admitted, answered, failed

__all__ = ["CacheCircuit", "Question"]


class CacheCircuit:
    """The state, for the tasks of one event loop."""

    def __init__(self, config: BreakerConfig | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config or BreakerConfig()
        self._clock = clock
        self._circuit = Circuit()

    @property
    def is_open(self) -> bool:
        """Whether the cache is being left alone."""
        return self._circuit.state is not BreakerState.CLOSED

    def ask(self) -> "Question | None":
        """One look-up that may begin; None: leave the cache alone."""
        circuit = admitted(self._circuit, self._clock())
        if circuit is None:
            return None
        self._circuit = circuit
        return Question(self, circuit.epoch)

    def end(self, epoch: int, *, is_answered: bool | None) -> None:
        """See :class:`Question`, which calls this once."""
        if is_answered is None:
            self._circuit = abandoned(self._circuit, epoch, self._clock())
        elif is_answered:
            self._circuit = answered(self._circuit, epoch)
        else:
            self._circuit = failed(self._circuit, epoch, self._clock(), self._config)


class Question:
    """One look-up. The first of its three ends counts, the others do nothing."""

    def __init__(self, circuit: CacheCircuit, epoch: int) -> None:
        self._circuit = circuit
        self._epoch = epoch
        self._has_ended = False

    def answered(self) -> None:
        """In time."""
        self._end(is_answered=True)

    def failed(self) -> None:
        """By an error, or not in time."""
        self._end(is_answered=False)

    def abandoned(self) -> None:
        """The caller left: it shows nothing."""
        self._end(is_answered=None)

    def _end(self, *, is_answered: bool | None) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._circuit.end(self._epoch, is_answered=is_answered)
