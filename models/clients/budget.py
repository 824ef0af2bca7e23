"""How many requests may be sent beyond one a call: a share of the calls. Pure."""

from dataclasses import dataclass, field

__all__ = ["ShareBudget"]


@dataclass(slots=True)
class ShareBudget:
    """A bucket that each call fills by ``share`` and each extra request takes one from.

    However calls fare, the extra requests of ``n`` calls are at most ``share * n + burst``: an engine that is down or
    overloaded meets no more than that beyond what was asked of it.

    Attributes:
        share: Extra requests a call, in the long run.
        burst: Most extra requests at once; the bucket begins full.
    """

    share: float
    burst: float
    _level: float = field(init=False)

    def __post_init__(self) -> None:
        self._level = self.burst

    def note_call(self) -> None:
        """A call came."""
        self._level = min(self.burst, self._level + self.share)

    def take(self) -> bool:
        """Whether one more request may be sent; it is counted if so."""
        if self._level < 1:
            return False
        self._level -= 1
        return True
