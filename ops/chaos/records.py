"""Records of the workload: the bytes that are published, and what the oracle must know of each."""

from dataclasses import dataclass
from typing import Any

__all__ = ["SEQ_HEADER", "Broken", "Entry", "Erased", "Gone", "Meaning", "Planned", "Put"]

SEQ_HEADER = "chaos.seq"
"""Header of each published record: its number in the plan. The services do not know it."""


@dataclass(frozen=True, slots=True)
class Put:
    """The posting as of a version."""

    version: int
    posting: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gone:
    """Deleted as of a version."""

    version: int


@dataclass(frozen=True, slots=True)
class Erased:
    """Deleted as of the record's place in the log."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Can never be processed."""

    reason: str


Meaning = Put | Gone | Erased | Broken


@dataclass(frozen=True, slots=True)
class Planned:
    """One record.

    Attributes:
        seq: Number in the plan.
        move: Why it is there: which move of the workload made it.
        job_id: Job that its key names; empty where it has no key.
        meaning: What it says.
        key: Bytes to publish.
        value: Bytes to publish; None is a tombstone.
    """

    seq: int
    move: str
    job_id: str
    meaning: Meaning
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A planned record where it stands in the log."""

    partition: int
    offset: int
    planned: Planned
