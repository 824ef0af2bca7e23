"""Lag by the broker's own offsets: right before the first delivery, and behind places without records."""

from collections.abc import Iterable, Mapping

from faust.types import TP

from stream.assignment import Assignment
from stream.lag import measure_lag

A, B = TP("t", 0), TP("t", 1)


class KnownOffsets:
    """``Offsets`` that a test sets.

    Attributes:
        asked: Partitions whose start was asked for.
    """

    def __init__(self, ends: dict[TP, int], starts: dict[TP, int], fetched: dict[TP, int] | None = None) -> None:
        self._ends, self._starts, self._fetched = ends, starts, fetched or {}
        self.is_buffered = False
        self.asked: list[TP] = []

    def assigned(self) -> set[TP]:
        return set(self._ends)

    async def ends(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        return {tp: self._ends[tp] for tp in partitions}

    async def starts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        self.asked += partitions
        return {tp: self._starts[tp] for tp in partitions}

    async def fetched(self, tp: TP) -> int | None:
        return self._fetched.get(tp)

    def is_buffering(self) -> bool:
        return self.is_buffered


async def test_before_anything_was_delivered_the_committed_offset_counts() -> None:
    """A consumer that died in silence delivers nothing: its lag shows all the same; starts are asked for once."""
    offsets, assignment = KnownOffsets({A: 10, B: 3}, {A: 4, B: 3}), Assignment()
    assert await measure_lag(offsets, assignment) == 6
    assert await measure_lag(offsets, assignment) == 6
    assert sorted(offsets.asked) == [A, B]


async def test_what_is_delivered_and_not_finished_is_lag() -> None:
    """From the first record that is not committable on."""
    offsets, assignment = KnownOffsets({A: 10}, {A: 0}), Assignment()
    part = assignment.part(A)
    first, second = part.add(4), part.add(5)
    assert await measure_lag(offsets, assignment) == 6
    part.finish(second)
    assert await measure_lag(offsets, assignment) == 6
    part.finish(first)
    assert await measure_lag(offsets, assignment) == 4


async def test_a_log_that_ends_on_a_marker_has_no_lag_for_ever() -> None:
    """A transaction's marker takes a place and is never delivered: else the lane would look stalled."""
    offsets, assignment = KnownOffsets({A: 11}, {A: 0}, {A: 11}), Assignment()
    part = assignment.part(A)
    part.finish(part.add(9))
    assert await measure_lag(offsets, assignment) == 0


async def test_what_is_fetched_but_not_delivered_is_lag() -> None:
    """Fetched past is done only where nothing waits between the client and the lane."""
    offsets, assignment = KnownOffsets({A: 11}, {A: 8}, {A: 11}), Assignment()
    offsets.is_buffered = True
    assert await measure_lag(offsets, assignment) == 3
    offsets.is_buffered = False
    assignment.part(A).add(8)
    assert await measure_lag(offsets, assignment) == 3


async def test_without_partitions_there_is_no_lag() -> None:
    """More workers than partitions: the spare one is idle, not behind."""
    assert await measure_lag(KnownOffsets({}, {}), Assignment()) == 0
