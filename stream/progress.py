"""How far one assignment of one partition is finished. Pure bookkeeping: no I/O, no time."""

from collections import deque

__all__ = ["OpenRecord", "PartitionProgress"]


class OpenRecord:
    """A delivered record that is not committable yet."""

    __slots__ = ("is_finished", "offset")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.is_finished = False


class PartitionProgress:
    """The delivered records of one assignment, in order, and the longest finished prefix of them.

    It belongs to one assignment: after :meth:`drop` nobody can move it, so a task that ends after a rebalance has no
    effect on what is committed.

    Attributes:
        next_offset: What may be committed: the offset after the longest finished prefix; None before there is one.
        committed_offset: What was committed last in this assignment; None before the first commit.
    """

    def __init__(self) -> None:
        self._open: deque[OpenRecord] = deque()
        self._last_offset: int | None = None
        self._is_live = True
        self.next_offset: int | None = None
        self.committed_offset: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether the assignment still stands."""
        return self._is_live

    @property
    def position(self) -> int | None:
        """Offset of the first record that is not committable yet; None before the first delivery."""
        return self._open[0].offset if self._open else self.next_offset

    @property
    def num_open(self) -> int:
        """Records that are delivered and not committable."""
        return len(self._open)

    def add(self, offset: int) -> OpenRecord:
        """Register a delivered record.

        Args:
            offset: Higher than any before it in this assignment; gaps are ordinary (compaction, control records).
        """
        assert self._is_live, "a record cannot be delivered to an assignment that was given up"
        assert self._last_offset is None or offset > self._last_offset, f"{offset} after {self._last_offset}"
        self._last_offset = offset
        record = OpenRecord(offset)
        self._open.append(record)
        return record

    def finish(self, record: OpenRecord) -> int:
        """Note that a record is finished.

        Returns:
            How many records became committable; 0 after :meth:`drop`.
        """
        record.is_finished = True
        num_closed = 0
        while self._open and self._open[0].is_finished:
            self.next_offset = self._open.popleft().offset + 1
            num_closed += 1
        return num_closed

    def drop(self) -> int:
        """Give the assignment up.

        Returns:
            How many records were open.
        """
        num_open = len(self._open)
        self._open.clear()
        self._is_live = False
        return num_open
