"""Which stage of a curriculum a step belongs to."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

__all__ = ["HasShare", "stage_at"]


class HasShare(Protocol):
    """A stage of a curriculum."""

    @property
    def share(self) -> float:
        """Fraction of all steps; the shares of a curriculum add up to one."""


StageT = TypeVar("StageT", bound=HasShare)


def stage_at(curriculum: Sequence[StageT], step: int, steps: int) -> StageT:
    """The stage of a step (from 0) among so many steps."""
    ended = 0.0
    for stage in curriculum:
        ended += stage.share
        if step < ended * steps:
            return stage
    return curriculum[-1]
