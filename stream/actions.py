"""From errors to what the nearline service does about them (DESIGN 9): one table for every lane."""

from enum import StrEnum

from schemas.errors import BackendError, InvalidInput, Overloaded

__all__ = ["Action", "action_for"]


class Action(StrEnum):
    """What the nearline service does about an error."""

    DEAD_LETTER = "dead_letter"
    """At once: no attempt can help."""
    PAUSE = "pause"
    """Stop pulling for as long as the error says, then the same record again; not acknowledged, not an attempt."""
    RETRY = "retry"
    """Again inside the retry budget, then pause; never dead-lettered, for it is not the record's fault."""
    TRY_AGAIN = "try_again"
    """A few attempts, then dead letter: it may be the record, and one record must not hold up a partition for ever."""


def action_for(error: Exception) -> Action:
    """The one table from errors to actions (DESIGN 9)."""
    match error:
        case InvalidInput():
            return Action.DEAD_LETTER
        case Overloaded():
            return Action.PAUSE
        case BackendError(retryable=True):
            return Action.RETRY
        case _:  # BackendProtocolError, and what nobody planned for
            return Action.TRY_AGAIN
