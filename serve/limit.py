"""How many tokens may be in flight: a limit that follows the time that work waits for the ranker. Pure.

A gradient limit as in Netflix's concurrency-limits (``Gradient2Limit``), with these differences:

- Its unit is tokens, for the time of a scoring call grows with its candidates.
- Its signal is queue time and never total time, which would grow with a call's own size. It is taken as the share of
  the time that the call had when it came: callers with half a second and with half a minute need no setting each.
- It moves once a round: a call that was admitted before the last move waited under the old limit and tells nothing of
  the new one. Moved by every call it would swing between its bounds, for hundreds are under way at once.

It is wide of the range in which depth falls (``serve.depth_control``): work is refused only where even floors do not
fit.
"""

import math

__all__ = ["TARGET_SHARE", "AdaptiveLimit"]

TARGET_SHARE = 0.7
"""Share of its time that a call waits where the limit is in a steady state. The rest is for the work itself."""

_LEAST_GRADIENT, _MOST_GRADIENT = 0.5, 1.1
"""One move halves the limit at most, and probes for a tenth more."""


class AdaptiveLimit:
    """Most tokens in flight. Times are arguments; used from one event loop."""

    def __init__(self, *, least: int, most: int) -> None:
        """Make a limit, wide open: a few calls that wait too long halve it each.

        Args:
            least: It never falls below: enough to keep the ranker busy.
            most: It never rises above, and begins there: bounds memory.
        """
        self._least = min(least, most)
        self._most = most
        self._tokens = float(most)
        self._moved_s = -math.inf

    @property
    def tokens(self) -> int:
        """The limit now."""
        return int(self._tokens)

    def observe(self, waited_share: float, *, in_flight: int, admitted_s: float, now_s: float) -> None:
        """A call's first request is sent to the ranker.

        Args:
            waited_share: Time from admission to now over the time that the call had at admission; at least 0.
            in_flight: Tokens in flight now. Below half of the limit a short wait says nothing about more.
            admitted_s: When the call was admitted; monotonic.
            now_s: Likewise.
        """
        if admitted_s < self._moved_s:
            return
        gradient = min(_MOST_GRADIENT, max(_LEAST_GRADIENT, TARGET_SHARE / max(waited_share, 1e-9)))
        if gradient > 1 and in_flight < self._tokens / 2:
            return
        self._tokens = min(float(self._most), max(float(self._least), self._tokens * gradient))
        self._moved_s = now_s
