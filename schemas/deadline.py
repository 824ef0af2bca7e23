"""One absolute time budget, handed down instead of a timeout per layer."""

import time
from dataclasses import dataclass

from schemas.errors import DeadlineExceeded

__all__ = ["Deadline"]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock.

    Attributes:
        at_s: ``time.monotonic()`` at which the budget is spent, in seconds.
    """

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that lies ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    def remaining_s(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.at_s - time.monotonic())

    def expired(self) -> bool:
        """Whether nothing is left."""
        return time.monotonic() >= self.at_s

    def check(self, what: str) -> None:
        """Raise where nothing is left.

        Raises:
            DeadlineExceeded: The budget is spent; ``what`` names the step that would have been next.
        """
        if self.expired():
            message = f"deadline passed before {what}"
            raise DeadlineExceeded(message)
