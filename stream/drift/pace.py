"""How long the monitor waits between two calls of the ranker. Pure: durations in, durations out.

No wire has a priority, so the monitor holds back by what it sees: an engine with a queue answers slower than one
without (the idea of LEDBAT, RFC 6817: a background sender yields to delay that others cause).
"""

from dataclasses import dataclass

__all__ = ["Pace"]

_SLOW = 2.0
"""A call that takes so many times the usual of an idle engine met others there."""
_NOISE_S = 0.02
"""A delay below this is that of sockets and schedulers, not of a queue."""
_LONGEST_S = 60.0
_FIRST_AFTER_FAILURE_S = 1.0
_FORGET = 1.02
"""The fastest answer known ages by this a call, so that a slower engine becomes the usual within a hundred calls."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The wait before the next call, and what it is derived from.

    Attributes:
        interval_s: Shortest wait, in seconds: the limit a minute.
        wait_s: The wait now, in seconds; doubled by every slow or failed call, halved by every other.
        fastest_s: Seconds a token of the fastest call, aged; None before the first.
    """

    interval_s: float
    wait_s: float
    fastest_s: float | None = None

    @classmethod
    def per_minute(cls, num_calls: float) -> "Pace":
        """Of at most so many calls a minute."""
        return cls(60 / num_calls, 60 / num_calls)

    def answered(self, seconds: float, num_tokens: int) -> "Pace":
        """After a call that was answered.

        Args:
            seconds: How long it took.
            num_tokens: What it sent, at least 1.
        """
        usual_s = seconds / num_tokens if self.fastest_s is None else self.fastest_s
        is_slow = seconds > _SLOW * usual_s * num_tokens + _NOISE_S
        wait_s = self._at_most_longest(2 * self.wait_s) if is_slow else max(self.interval_s, self.wait_s / 2)
        return Pace(self.interval_s, wait_s, min(seconds / num_tokens, usual_s * _FORGET))

    def failed(self, retry_after_s: float = 0.0) -> "Pace":
        """After one that was not, or was refused until then."""
        wait_s = max(2 * self.wait_s, retry_after_s, _FIRST_AFTER_FAILURE_S)
        return Pace(self.interval_s, self._at_most_longest(wait_s), self.fastest_s)

    def _at_most_longest(self, wait_s: float) -> float:
        return max(self.interval_s, min(_LONGEST_S, wait_s))
