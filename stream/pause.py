"""The pause of the lanes: what the engine refuses one of them it refuses all, so they pause together.

Live work resumes first: each lower priority resumes a step later. Where live work is refused again in that step, the
pause is prolonged before the others have asked for anything.
"""

import time
from collections.abc import Callable

from stream.slots import Priority

__all__ = ["STEP_S", "Pause"]

STEP_S = 0.2
"""Seconds between the priorities: an engine that still refuses does so in milliseconds."""


class Pause:
    """Until when nothing is started."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Make one that pauses nobody.

        Args:
            clock: Monotonic seconds.
        """
        self._clock = clock
        self._until_s: float | None = None

    def prolong(self, retry_after_s: float) -> None:
        """Pause all lanes for at least so many seconds from now; 0 pauses none."""
        if retry_after_s > 0:
            until_s = self._clock() + retry_after_s
            self._until_s = until_s if self._until_s is None else max(self._until_s, until_s)

    def left_s(self, priority: Priority) -> float:
        """Seconds that this priority still pauses; 0 where it may start work."""
        if self._until_s is None:
            return 0.0
        return max(0.0, self._until_s + STEP_S * priority - self._clock())
