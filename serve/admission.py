"""Admission: may this call send so many tokens to the ranker now. Refuses fast, and nothing waits here.

The unit is tokens in flight (sent or waiting for a free slot), because the time of a scoring call grows with its tokens
and not with its number. Hits cost nothing and are always admitted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from schemas.errors import Overloaded
from serve.speed import Ended, SpeedMeter

__all__ = ["Admission", "CallGate", "Granted", "Refused", "decide"]

_MIN_RETRY_S, _MAX_RETRY_S = 0.1, 30.0


@dataclass(frozen=True, slots=True)
class Granted:
    """The call may send up to so many tokens.

    Attributes:
        tokens: At most what was wished.
    """

    tokens: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Not even the least useful part fits.

    Attributes:
        retry_after_s: When the tokens ahead will be done, at the measured speed.
    """

    retry_after_s: float


def decide(*, wished: int, least: int, in_flight: int, limit: int, tokens_per_s: float) -> Granted | Refused:
    """Grant the wish, what is left of the limit where that is useful, or nothing.

    Args:
        wished: Tokens of all candidates that the call wants scored.
        least: Tokens below which an answer is of no use: those of the depth floor.
        in_flight: Tokens of admitted work that is not done.
        limit: Most tokens in flight.
        tokens_per_s: Measured speed of the ranker.
    """
    room = max(0, limit - in_flight)
    if in_flight == 0:  # an idle ranker refuses nobody, however large the single call
        room = max(room, least)
    if room >= min(least, wished):
        return Granted(min(wished, room))
    wait_s = (in_flight + least - limit) / tokens_per_s if tokens_per_s > 0 else _MAX_RETRY_S
    return Refused(min(_MAX_RETRY_S, max(_MIN_RETRY_S, wait_s)))


class Admission:
    """Tokens in flight against a limit. Used from one event loop."""

    def __init__(self, limit: int, speed: SpeedMeter) -> None:
        self._limit = limit
        self._speed = speed
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """Tokens of admitted work that is not done."""
        return self._in_flight

    def ask(self, *, wished: int, least: int) -> Granted | Refused:
        """:func:`decide` for the state of now. Takes nothing: see :meth:`take`."""
        return decide(
            wished=wished,
            least=least,
            in_flight=self._in_flight,
            limit=self._limit,
            tokens_per_s=self._speed.tokens_per_s,
        )

    def take(self, tokens: int, now_s: float) -> None:
        """Count tokens as in flight; each is given back by exactly one :meth:`give_back`."""
        self._speed.started(self._in_flight, now_s)
        self._in_flight += tokens

    def give_back(self, tokens: int, ended: Ended, now_s: float) -> None:
        """The tokens are not in flight any more."""
        if tokens > self._in_flight:
            message = f"{tokens} tokens given back, {self._in_flight} are in flight: counted twice"
            raise AssertionError(message)
        self._speed.finished(tokens, ended, now_s)
        self._in_flight -= tokens

    @property
    def queue_s(self) -> float:
        """Time until all of it is done at the measured speed: what a call that comes now finds ahead of it."""
        return self._in_flight / self._speed.tokens_per_s

    @property
    def speed(self) -> SpeedMeter:
        """The measured speed that decisions are made with."""
        return self._speed


class CallGate:
    """How many calls are worked on at once. What comes above that is refused before it costs a store read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Count one call for as long as it runs.

        Raises:
            Overloaded: The limit is reached.
        """
        if self._calls >= self._limit:
            message = f"{self._calls} calls are in flight, the limit of this process"
            raise Overloaded(message, retry_after_s=_MIN_RETRY_S)
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
