"""How fast the ranker is: tokens a second over the time in which it had work."""

from enum import Enum

__all__ = ["Ended", "SpeedMeter"]

_NEW_SHARE = 0.3
"""Weight of the newest measurement: some ten packs forget an old speed."""

# Shorter intervals measure the clock and the event loop rather than the engine.
_MIN_INTERVAL_S = 0.001


class Ended(Enum):
    """What became of tokens that were in flight."""

    SERVED = "served"
    MISSED = "missed"
    """Sent, and not done in time: the ranker is at most so fast."""
    DROPPED = "dropped"
    """Never sent, or failed for another reason: says nothing about speed."""


class SpeedMeter:
    """Moving average over busy time. Times are arguments; used from one event loop.

    Attributes:
        tokens_per_s: The estimate; above 0.
    """

    def __init__(self, initial_tokens_per_s: float) -> None:
        self.tokens_per_s = initial_tokens_per_s
        self._since_s = 0.0
        self._tokens = 0

    def started(self, in_flight_before: int, now_s: float) -> None:
        """Work was sent. From idle, a new busy interval begins."""
        if in_flight_before == 0:
            self._since_s = now_s
            self._tokens = 0

    def finished(self, tokens: int, ended: Ended, now_s: float) -> None:
        """Tokens left the flight."""
        if ended is Ended.DROPPED:
            return
        self._tokens += tokens
        interval_s = now_s - self._since_s
        if interval_s < _MIN_INTERVAL_S:
            return
        measured = self._tokens / interval_s
        if (
            ended is Ended.SERVED or measured < self.tokens_per_s
        ):  # a miss is an upper bound: it can only slow the estimate
            self.tokens_per_s += _NEW_SHARE * (measured - self.tokens_per_s)
        self._since_s = now_s
        self._tokens = 0
