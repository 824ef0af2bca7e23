"""A token bucket that is charged after the work, when its cost is known."""

__all__ = ["TokenBucket"]

_MEMORY = 0.2
"""Weight of the latest call in the expected cost of the next."""


class TokenBucket:
    """Spending of one caller. Time comes in as an argument; used from one event loop.

    A call costs what it sends to the ranker, which is known when it is done: a hit costs nothing. So a call is let in
    while the level is above zero, holds back what such a call cost lately, and settles its real cost at the end. Calls
    that cost more than expected take the level below zero; the next ones wait until that is paid.
    """

    def __init__(self, rate: float, burst: float, now_s: float) -> None:
        """Begin full.

        Args:
            rate: Tokens a second.
            burst: Most that can be saved up.
            now_s: Any clock that does not go back.
        """
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at_s = now_s
        self._expected = 0.0

    def reserve(self, now_s: float) -> float | None:
        """Let one call in.

        Returns:
            Tokens held back, to be handed to :meth:`settle`; None: not now, see :meth:`wait_s`.
        """
        self._fill(now_s)
        if self._level <= 0:
            return None
        held = min(self._expected, self._burst)
        self._level -= held
        return held

    def settle(self, held: float, spent: float, now_s: float) -> None:
        """The call is done: charge what it spent in place of what was held back."""
        self._fill(now_s)
        self._level = min(self._burst, self._level + held - spent)
        self._expected += _MEMORY * (spent - self._expected)

    def wait_s(self) -> float:
        """Seconds until a call is let in again, if nothing else is settled before; 0 where one is now."""
        return max(0.0, -self._level / self._rate)

    def resized(self, rate: float, burst: float, now_s: float) -> None:
        """Go on with other limits; what was spent stays spent."""
        self._fill(now_s)
        self._level = min(burst, self._level + max(0.0, burst - self._burst))
        self._rate, self._burst = rate, burst

    def _fill(self, now_s: float) -> None:
        self._level = min(self._burst, self._level + self._rate * max(0.0, now_s - self._at_s))
        self._at_s = max(self._at_s, now_s)
