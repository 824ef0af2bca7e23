"""What the gate says of a summary."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FAITHFUL", "Reason", "Verdict"]


class Reason(StrEnum):
    """Why a summary is refused; a closed set, used as a metric's label."""

    EMPTY = "empty"
    LONGER = "longer"
    BROKEN_FORM = "broken_form"
    NUMBER = "number"
    PLACE = "place"
    CREDENTIAL = "credential"
    TERM = "term"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer.

    Attributes:
        reason: Why the summary is refused; None where it is faithful.
        evidence: The piece of the summary that is at fault, for people; empty where it is faithful.
    """

    reason: Reason | None
    evidence: str = ""

    @property
    def is_faithful(self) -> bool:
        """Whether nothing was found against the summary."""
        return self.reason is None


FAITHFUL = Verdict(None)
