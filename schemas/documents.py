"""The documents that Précis keeps: postings, summaries, cached scores; the same in every store and the changelog."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat

from schemas.canonical import item_version

__all__ = [
    "NumTokens",
    "Origin",
    "PostingDocument",
    "ScoreEntry",
    "State",
    "SummarizerId",
    "SummaryDocument",
    "next_rev",
]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class State(StrEnum):
    """What a summary document stands for."""

    FRESH = "fresh"
    """The summary is the model's (or the body was short enough to need none)."""
    FALLBACK = "fallback"
    """The summary is extractive, written because the engine did not answer in time; to be mended."""
    DELETED = "deleted"
    """The job is gone; header and summary are kept so that a re-post of the same text needs no model call."""


class Origin(_Document):
    """Place of a record in the log."""

    log: str
    """Identity of the log: a cluster, or one run of the embedded broker, whose offsets start again at 0."""
    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    log_time: AwareDatetime

    def is_after(self, other: "Origin") -> bool:
        """Whether this place comes later: by offset in the same partition of the same log, else by log time."""
        if (self.log, self.topic, self.partition) == (other.log, other.topic, other.partition):
            return self.offset > other.offset
        return self.log_time > other.log_time


class SummarizerId(_Document):
    """Which model wrote a summary, with which prompt."""

    model: str
    revision: str
    prompt_version: str


class NumTokens(_Document):
    """Lengths in tokens of the ranker's tokenizer: what a posting costs raw, and what it costs as an item."""

    raw: int = Field(ge=0)
    item: int = Field(ge=0)


class SummaryDocument(_Document):
    """What the ranker reads of a job, and all that is needed to decide about the next update of it."""

    job_id: str
    source_version: int = Field(ge=0)
    """Version of the posting it was made from; 0 where only a tombstone was ever seen."""
    state: State
    title: str = ""
    """For display; the ranker reads the header."""
    place: str = ""
    """For display: the places, joined by semicolons; empty where the posting names none."""
    header: str
    summary: str
    item_tokens: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Cache: digest of tokenizer and template -> the item's ids. A reader with another digest tokenises itself."""
    content_hash: str
    posting_hash: str
    reading: int = Field(default=0, ge=0)
    """By which rules header and body were read from the posting: ``schemas.posting.READING`` of the writer."""
    generation: int = Field(default=0, ge=0)
    """Raised by a roll-out of a new summarizer."""
    summarizer: SummarizerId | None
    """None where no model wrote the summary."""
    num_tokens: NumTokens
    valid_through: AwareDatetime | None
    origin: Origin
    """Place of the last record applied."""
    event_time: AwareDatetime | None
    """When the last applied change happened; None for a tombstone."""
    summarized_at: AwareDatetime
    """When this document was written: from here on it is servable."""
    rev: int = Field(ge=0)
    """Order of writes of this job: see :func:`next_rev`."""

    @property
    def item_version(self) -> str:
        """Identity of (header, summary); a score belongs to exactly one."""
        return item_version(self.header, self.summary)

    @property
    def is_deleted(self) -> bool:
        """Whether the job is gone."""
        return self.state is State.DELETED

    def is_expired(self, now: datetime) -> bool:
        """Whether the posting's own end date has passed."""
        return self.valid_through is not None and self.valid_through < now


class PostingDocument(_Document):
    """The posting as it came, for re-summarising and inspection; never on the query path."""

    job_id: str
    source_version: int = Field(ge=1)
    content_hash: str
    posting_hash: str = ""
    """As in the summary document; empty where an older build wrote it."""
    posting: dict[str, Any]
    header: str
    body: str
    """The plain text that the summarizer reads."""


class ScoreEntry(_Document):
    """One cached score, valid for exactly one item version."""

    item_version: str
    score: Annotated[FiniteFloat, Field(ge=0, le=1)]
    scored_at: AwareDatetime


def next_rev(previous: int | None, now: datetime) -> int:
    """The rev of the next write: above the previous one, and the time in milliseconds where that is above it."""
    return max((previous or 0) + 1, int(now.timestamp() * 1000))
