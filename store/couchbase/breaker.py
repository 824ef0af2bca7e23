"""A circuit breaker for the calls of many threads.

Our own, because the libraries do not fit: pybreaker 1.4 holds its lock for as long as the call takes, so that threads
take turns, and measures pauses of one fixed length by the wall clock; circuitbreaker 2.1 counts without a lock;
purgatory 3.0 is for one event loop.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schemas.circuit import BreakerConfig, BreakerState, Circuit, admitted, answered, failed
from schemas.errors import BackendUnavailable

__all__ = ["CircuitBreaker", "OnBreakerChange"]

OnBreakerChange = Callable[[str, BreakerState], None]
"""Told the breaker's name and its new state, from whatever thread it changed on. Must be quick and must not raise."""


class CircuitBreaker:
    """Lets calls through, or refuses them at once. For any number of threads; the lock is never held during a call."""

    def __init__(
        self,
        name: str,
        config: BreakerConfig,
        *,
        is_failure: Callable[[BaseException], bool],
        on_change: OnBreakerChange,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A closed breaker.

        Args:
            name: Which calls it guards, for messages and metrics.
            config: When it opens and for how long.
            is_failure: Whether an exception of a call says that the backend cannot serve; any other is an answer.
            on_change: Told of changes.
            clock: Seconds that never run backwards.
        """
        self.name = name
        self._config = config
        self._is_failure = is_failure
        self._on_change = on_change
        self._clock = clock
        self._lock = threading.Lock()
        self._circuit = Circuit()

    @property
    def state(self) -> BreakerState:
        """Whether calls go through."""
        return self._circuit.state

    def refuse_if_open(self, operation: str) -> None:
        """Refuse a call that :meth:`call` would refuse now, before it waits for a thread.

        Raises:
            BackendUnavailable: The circuit is open.
        """
        circuit = self._circuit
        if admitted(circuit, self._clock()) is None:
            raise self._refusal(circuit, operation)

    @contextmanager
    def call(self, operation: str) -> Iterator[None]:
        """Guard the block: one call of the backend.

        Raises:
            BackendUnavailable: The circuit is open, or a probe is under way; the block does not run.
        """
        epoch = self._admit(operation)
        try:
            yield
        except BaseException as error:
            self._record(epoch, is_failure=self._is_failure(error))
            raise
        self._record(epoch, is_failure=False)

    def _admit(self, operation: str) -> int:
        with self._lock:
            before = self._circuit
            after = admitted(before, self._clock())
            if after is not None:
                self._circuit = after
        if after is None:
            raise self._refusal(before, operation)
        self._tell(before, after)
        return after.epoch

    def _record(self, epoch: int, *, is_failure: bool) -> None:
        with self._lock:
            before = self._circuit
            after = failed(before, epoch, self._clock(), self._config) if is_failure else answered(before, epoch)
            self._circuit = after
        self._tell(before, after)

    def _tell(self, before: Circuit, after: Circuit) -> None:
        if after.state is not before.state:
            self._on_change(self.name, after.state)

    def _refusal(self, circuit: Circuit, operation: str) -> BackendUnavailable:
        wait_s = max(0.0, circuit.retry_at_s - self._clock())
        when = f"the next try is in {wait_s:.1f} s" if wait_s else "one call is under way to see whether it does now"
        message = f"it did not answer, so {self.name} are not asked of it; {when}"
        return BackendUnavailable(message, backend="store", operation=operation)
