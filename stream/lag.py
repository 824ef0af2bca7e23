"""How many records of the assigned partitions are not finished, by the broker's own end offsets.

Protocol of one look
    1. Ask for the end offsets of the assigned partitions. A client that does not answer is noticed by that (liveness).
    2. A partition of which nothing was delivered yet starts at the committed offset, or at the log's first record.
    3. Behind the last record that was delivered, a log may end on places without one (markers of transactions, records
       that were compacted away): where nothing is open nor buffered, what the client has fetched past counts as done.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from faust.types import TP

from stream.assignment import Assignment

__all__ = ["Offsets", "measure_lag"]


class Offsets(Protocol):
    """What the broker, or the client, knows of partitions; ``stream.app.ConsumerOffsets`` in production."""

    def assigned(self) -> set[TP]:
        """The partitions that are ours."""
        ...

    async def ends(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Offset of the next record that will be written to each."""
        ...

    async def starts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Where consumption of each begins: the committed offset, or the log's first."""
        ...

    async def fetched(self, tp: TP) -> int | None:
        """Offset behind the last place that the client has fetched; None where it does not know."""
        ...

    def is_buffering(self) -> bool:
        """Whether fetched records wait to be delivered."""
        ...


async def measure_lag(offsets: Offsets, assignment: Assignment) -> int:
    """Records between what is finished and the end of the log, over all assigned partitions.

    Args:
        offsets: Who is asked.
        assignment: Progress; its ``starts`` are filled in.

    Raises:
        KafkaError: The broker does not answer.
    """
    partitions = offsets.assigned()
    if not partitions:
        return 0
    ends = await offsets.ends(partitions)  # 1
    unknown = [tp for tp in partitions if assignment.position(tp) is None]
    if unknown:
        assignment.starts.update(await offsets.starts(unknown))  # 2
    lag = 0
    for tp, end in ends.items():
        position = assignment.position(tp)
        if position is not None and position < end:
            lag += end - await _past_gaps(offsets, assignment, tp, position, end)
    return lag


async def _past_gaps(offsets: Offsets, assignment: Assignment, tp: TP, position: int, end: int) -> int:
    if assignment.is_open(tp) or offsets.is_buffering():
        return position
    fetched = await offsets.fetched(tp)
    # Asked again: a record may have been delivered while the client was asked.
    is_all_delivered = not assignment.is_open(tp) and not offsets.is_buffering()
    return min(end, max(position, fetched)) if fetched is not None and is_all_delivered else position
