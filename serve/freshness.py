"""As of when an answer is."""

from dataclasses import dataclass
from datetime import datetime

from schemas.api import Consistency, WhyStrict

__all__ = ["Freshness"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """The read point of a call.

    Attributes:
        as_of: Every write acknowledged (``bounded``: published) before it is in what was read.
        lag_s: How far the near-cache was behind, in seconds; None where the store was read.
        why_strict: Why the store was read although the call asked for ``bounded``.
    """

    as_of: datetime
    lag_s: float | None = None
    why_strict: WhyStrict | None = None

    @property
    def consistency(self) -> Consistency:
        """What was served."""
        return Consistency.STRICT if self.lag_s is None else Consistency.BOUNDED
