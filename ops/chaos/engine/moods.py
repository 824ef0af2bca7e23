"""How the engine misbehaves: one mood at a time, set over HTTP."""

import hashlib
import random
from collections import Counter
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["Mood", "Orders", "Script"]

_BREAKS_PER_REQUEST = 2
"""One less than the worker's tries at a record: an engine that breaks now and then must not cost a record."""


class Mood(StrEnum):
    """What the engine does to requests."""

    WELL = "well"
    """Answers."""
    REFUSE = "refuse"
    """429 with ``Retry-After``."""
    UNREADY = "unready"
    """503."""
    SLOW = "slow"
    """Answers, after a second or more."""
    BROKEN = "broken"
    """Answers that are cut off, reset, not JSON or in another form; of the last two a request gets at most two."""
    GARBAGE = "garbage"
    """Nothing that it says is in the agreed form, canaries included."""


class Orders(BaseModel):
    """What ``POST /orders`` takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mood: Mood = Mood.WELL
    service_s: float = 0.1
    """Mean time of one answer, seconds."""


class Script:
    """The orders in force, and what became of each request under them."""

    def __init__(self, orders: Orders, rng: random.Random) -> None:
        self.orders = orders
        self.num_answers: Counter[str] = Counter()
        self._rng = rng
        self._num_broken: Counter[bytes] = Counter()

    def obey(self, orders: Orders) -> None:
        """New orders; how often each request was broken is remembered: it may still be tried again."""
        self.orders = orders

    def service_s(self) -> float:
        """Time of one answer, log-normal with sigma 0.5 and the ordered mean, seconds."""
        mean_s = self.orders.service_s * (10 if self.orders.mood is Mood.SLOW else 1)
        return mean_s * self._rng.lognormvariate(-0.125, 0.5)

    def breakage(self, request: bytes) -> str:
        """How to break this answer: ``reset``, ``cut``, ``not_json``, ``other_form``, or ``none``."""
        if self.orders.mood is Mood.GARBAGE:
            return self._rng.choice(("not_json", "other_form"))
        kind = self._rng.choice(("reset", "cut", "not_json", "other_form", "none"))
        if kind in {"not_json", "other_form"}:
            digest = hashlib.sha256(request).digest()
            if self._num_broken[digest] >= _BREAKS_PER_REQUEST:
                return "none"
            self._num_broken[digest] += 1
        return kind
