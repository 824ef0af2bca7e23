"""HTTP to the replicas of one engine: a choice, one deadline a call, bounded retries, this project's errors.

What is retried: no connection, a connection that broke, 502, 503 and 504. Completions and scores have no effects, so a
second try is safe. What is not: a refusal of work (429 belongs to the caller, who holds back), and anything that a
second try would answer alike. Retries wait with jitter, go to another replica where there is one, and come from a
budget (``models.clients.budget``), so that trouble is never answered with twice the load.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic_core import to_json

from models.clients.budget import ShareBudget
from models.clients.choice import choose, home_of
from models.clients.config import TransportConfig
from models.clients.hedge import hedged
from models.clients.replica import Answer, Replica
from schemas.circuit import BreakerState
from schemas.deadline import Deadline
from schemas.errors import BackendError, Overloaded, PrecisError

__all__ = ["Answer", "EngineTransport", "TransportConfig"]

_T = TypeVar("_T")
_Sent = Callable[[Replica], Coroutine[Any, Any, _T]]
"""Sends a request to a replica, once."""

_REVISION_TIMEOUT_S = 5.0
_HEDGE_BURST = 20.0


@dataclass(slots=True)
class _Backoff:
    """Decides after each failed try whether, and after how many seconds, the next one follows.

    By hand and not by stamina: its retry context takes as long, for calls that succeed at once, as sending them.
    """

    config: TransportConfig
    deadline: Deadline
    jitter: random.Random
    num_failures: int = field(default=0, init=False)

    def after(self, error: BackendError) -> float | None:
        """Seconds to wait before the next try; None where there is none."""
        if not error.retryable or self.num_failures + 1 >= self.config.max_tries:
            return None
        wait_s = min(self.config.max_backoff_s, self.config.first_backoff_s * 2**self.num_failures)
        wait_s *= 0.5 + 0.5 * self.jitter.random()
        self.num_failures += 1
        # A wait beyond the deadline would turn "not reachable" into "too late", and the caller acts on the difference.
        return wait_s if wait_s < self.deadline.remaining_s() else None


class EngineTransport:
    """Requests to the replicas of one engine. May be used concurrently, by the tasks of one event loop."""

    def __init__(self, config: TransportConfig, *, backend: str, jitter: random.Random | None = None) -> None:
        """Connect to nothing yet.

        Args:
            config: Where the engine is and how hard to try.
            backend: Its name in errors (``summarizer``, ``ranker``).
            jitter: Randomness of the waits between tries, and of the choice of replicas.
        """
        self._config = config
        self._jitter = jitter or random.Random()
        self._replicas = tuple(Replica(url, config, backend=backend) for url in config.addresses)
        self._retries = ShareBudget(config.retry_share, config.retry_burst)
        self._hedges = ShareBudget(config.hedge_share, config.hedge_share * _HEDGE_BURST)

    @property
    def address(self) -> str:
        """Of all replicas, separated by commas."""
        return ",".join(replica.url for replica in self._replicas)

    @property
    def breaker_states(self) -> dict[str, BreakerState]:
        """Address of a replica -> state of its breaker now, for metrics."""
        return {replica.url: replica.breaker_state for replica in self._replicas}

    def each(self) -> tuple["EngineTransport", ...]:
        """A transport to each replica alone, over the same connections: for checks that each must pass."""
        return tuple(self._to((replica,)) for replica in self._replicas)

    async def post(
        self,
        path: str,
        payload: Mapping[str, Any],
        *,
        deadline: Deadline,
        tokens: int = 1,
        prefix: Sequence[int] | None = None,
    ) -> Answer:
        """Post a JSON object and read one.

        Args:
            path: Of the route.
            payload: The object.
            deadline: Budget of the whole call, retries included.
            tokens: What the call costs, for the choice of a replica.
            prefix: Token ids that calls share; those with equal ones meet at one replica while that is not loaded more
                than others.

        Raises:
            PromptTooLong: 400 for the prompt's length, or 413.
            Overloaded: 429, or every replica refused work and the time that it named has not come.
            DeadlineExceeded: The deadline passed; the connection is closed, so the engine stops.
            BackendTimeout: No connection in time, or 504, in every try.
            BackendUnavailable: No connection, a broken one, or 502 or 503, in every try; or no replica may be tried.
            BackendProtocolError: Any other status, or an answer that is no JSON object.
        """
        content = to_json(payload)  # a quarter of the standard library's time for a thousand token ids
        home = None
        if prefix is not None and len(self._replicas) > 1:
            home = home_of(to_json(list(prefix)), [replica.url for replica in self._replicas])

        def sent(replica: Replica) -> Coroutine[Any, Any, Answer]:
            return replica.post(path, content, deadline, tokens=tokens)

        return await self._tried(path, sent, deadline, home)

    async def get(self, path: str, *, deadline: Deadline) -> Mapping[str, Any]:
        """Read a JSON object of one replica.

        Raises:
            PrecisError: As :meth:`post`.
        """

        async def read(replica: Replica) -> Mapping[str, Any]:
            return (await replica.request("GET", path, None, deadline))[1]

        return await self._tried(path, read, deadline, None)

    async def revision(self) -> str:
        """Revision of the model that a replica has loaded now: of ``GET /info``, else the name in ``/v1/models``.

        Raises:
            PrecisError: As :meth:`post`, within five seconds.
        """
        return await self._chosen("revision", None).read_revision(Deadline.after(_REVISION_TIMEOUT_S))

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        for replica in self._replicas:
            await replica.close()

    def _to(self, replicas: tuple[Replica, ...]) -> "EngineTransport":
        view = copy(self)
        view._replicas = replicas  # noqa: SLF001 (of its own class)
        return view

    async def _tried(self, path: str, sent: _Sent[_T], deadline: Deadline, home: str | None) -> _T:
        self._retries.note_call()
        backoff = _Backoff(self._config, deadline, self._jitter)
        replica = self._chosen(path, home)
        while True:
            try:
                if self._config.hedge_after_s is None or len(self._replicas) == 1:
                    return await sent(replica)
                return await self._hedged(replica, sent, self._config.hedge_after_s)
            except BackendError as error:
                if (wait_s := backoff.after(error)) is None or not self._retries.take():
                    raise
                await asyncio.sleep(wait_s)
                if (other := self._pick(home, avoided=replica)) is None:
                    raise  # it said why, which is more than that it may not be asked
                replica = other

    def _chosen(self, operation: str, home: str | None) -> Replica:
        if (replica := self._pick(home)) is not None:
            return replica
        now_s = time.monotonic()
        refusals: list[PrecisError] = [replica.refusal(operation, now_s) for replica in self._replicas]
        overloads = [refusal for refusal in refusals if isinstance(refusal, Overloaded)]
        if overloads:  # the caller is to hold back, and only then is the hint heard
            raise min(overloads, key=lambda refusal: refusal.retry_after_s)
        raise refusals[0]

    def _pick(self, home: str | None, *, avoided: Replica | None = None) -> Replica | None:
        """The replica to ask now; the avoided one only where there is no other. None: no one may be asked."""
        now_s = time.monotonic()
        able = [replica for replica in self._replicas if replica.may_be_asked(now_s)]
        if len(able) > 1 and avoided in able:
            able.remove(avoided)
        if len(able) <= 1:
            return able[0] if able else None
        at_home = next((index for index, replica in enumerate(able) if replica.url == home), None)
        loads = [replica.outstanding_tokens for replica in able]
        return able[choose(loads, self._jitter, home=at_home, slack_tokens=self._config.affinity_slack_tokens)]

    async def _hedged(self, replica: Replica, sent: _Sent[_T], after_s: float) -> _T:
        self._hedges.note_call()

        def second() -> Coroutine[Any, Any, _T] | None:
            now_s = time.monotonic()
            # One that refuses work is a sign of load, and a hedge is load.
            if not all(each.may_be_asked(now_s) for each in self._replicas if each is not replica):
                return None
            other = self._pick(None, avoided=replica)
            if other is None or other is replica or not self._hedges.take():
                return None
            return sent(other)

        return await hedged(sent(replica), second, after_s=after_s)
