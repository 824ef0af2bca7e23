"""What reading a file gives: postings that can be published, and what was refused."""

from dataclasses import dataclass
from typing import Any

from schemas.posting import JobId

__all__ = ["Readable", "Refused"]


@dataclass(frozen=True, slots=True)
class Readable:
    """A posting that can be published.

    Attributes:
        place: ``file:line``, or ``file:script 2:posting 3`` in a web page, for messages.
        job_id: The id it carries.
        posting: The JSON object as it stands in the file.
    """

    place: str
    job_id: JobId
    posting: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """What cannot be published, and why."""

    place: str
    reason: str
