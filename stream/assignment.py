"""What one assignment of partitions has come to: progress per partition, what may be committed, where it began.

An assignment is made anew at each rebalance, and whoever still holds the old one changes nothing by it (I2).
"""

from collections.abc import Mapping

from faust.types import TP

from stream.progress import PartitionProgress

__all__ = ["Assignment"]


class Assignment:
    """Progress of the partitions that records were delivered of. Pure bookkeeping.

    Attributes:
        starts: Partition -> offset that consumption starts from: the committed one, or the log's first.
    """

    def __init__(self) -> None:
        self._parts: dict[TP, PartitionProgress] = {}
        self.starts: dict[TP, int] = {}

    @property
    def num_open(self) -> int:
        """Records that are delivered and not committable."""
        return sum(part.num_open for part in list(self._parts.values()))

    def part(self, tp: TP) -> PartitionProgress:
        """Progress of a partition, from its first record on."""
        return self._parts.setdefault(tp, PartitionProgress())

    def is_open(self, tp: TP) -> bool:
        """Whether a record of the partition is delivered and not committable."""
        return tp in self._parts and self._parts[tp].num_open > 0

    def position(self, tp: TP) -> int | None:
        """Offset of the first record that is not committable yet; None where it is not known where it starts."""
        position = self._parts[tp].position if tp in self._parts else None
        return self.starts.get(tp) if position is None else position

    def moved(self) -> dict[TP, int]:
        """What may be committed and is not."""
        return {
            tp: part.next_offset
            for tp, part in self._parts.items()
            if part.next_offset is not None and part.next_offset != part.committed_offset
        }

    def note_committed(self, offsets: Mapping[TP, int]) -> None:
        """These stand at the broker."""
        for tp, offset in offsets.items():
            self._parts[tp].committed_offset = offset

    def parts(self) -> list[PartitionProgress]:
        """All of them, to be dropped at the end of the assignment."""
        return list(self._parts.values())
