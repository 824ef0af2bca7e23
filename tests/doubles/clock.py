"""A clock that a test moves."""

from datetime import UTC, datetime, timedelta

__all__ = ["ManualClock"]


class ManualClock:
    """Seconds since the epoch, as ``time.time`` gives them, standing still until told.

    Attributes:
        now_s: The time.
    """

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.now_s = now.timestamp()

    def __call__(self) -> float:
        """The time, in seconds since the epoch."""
        return self.now_s

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.fromtimestamp(self.now_s, UTC)

    def ago(self, seconds: float) -> datetime:
        """A moment before now, UTC."""
        return self.now() - timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now_s += seconds
