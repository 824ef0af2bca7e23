"""Single flight: concurrent calls that miss the same (query, item version) share one computation."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from schemas.errors import PrecisError

__all__ = ["FlightKey", "ModelScore", "Outcome", "SingleFlight"]


class FlightKey(NamedTuple):
    """What is computed once: the text of this version, for this query, by this ranker."""

    fingerprint: str
    item_version: str


@dataclass(frozen=True, slots=True)
class ModelScore:
    """One score from the ranker.

    Attributes:
        value: In [0, 1].
        revision: Of the ranker that gave it.
        scored_at: When it came.
    """

    value: float
    revision: str
    scored_at: datetime


Outcome = ModelScore | PrecisError
"""A failure is a value here: a future whose exception nobody retrieves would be reported as a bug."""


class SingleFlight:
    """Computations under way, by key. Used from one event loop."""

    def __init__(self) -> None:
        self._futures: dict[FlightKey, asyncio.Future[Outcome]] = {}

    def under_way(self, keys: Iterable[FlightKey]) -> dict[FlightKey, asyncio.Future[Outcome]]:
        """Futures of those keys that somebody computes already. Do not cancel them."""
        return {key: future for key in keys if (future := self._futures.get(key)) is not None}

    def lead(self, keys: Iterable[FlightKey]) -> dict[FlightKey, asyncio.Future[Outcome]]:
        """Futures that the caller promises to settle, each key once and none under way."""
        loop = asyncio.get_running_loop()
        led: dict[FlightKey, asyncio.Future[Outcome]] = {}
        for key in keys:
            assert key not in self._futures, f"{key} is under way already"
            led[key] = self._futures[key] = loop.create_future()
        return led

    def settle(self, outcomes: Mapping[FlightKey, Outcome]) -> None:
        """End computations: whoever waits gets the outcome, whoever comes later begins anew."""
        for key, outcome in outcomes.items():
            future = self._futures.pop(key)
            if not future.done():
                future.set_result(outcome)
