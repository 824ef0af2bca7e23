"""Documents with sensible values, of which a test names those that matter to it."""

from datetime import UTC, datetime
from typing import Any

from schemas.canonical import content_hash, posting_hash
from schemas.documents import NumTokens, Origin, PostingDocument, ScoreEntry, State, SummarizerId, SummaryDocument

__all__ = ["NOON", "posting_document", "score_entry", "summary_document"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def summary_document(job_id: str = "job-1", **changes: Any) -> SummaryDocument:
    """A fresh summary, version 1; ``changes`` replace fields."""
    fields: dict[str, Any] = {
        "job_id": job_id,
        "source_version": 1,
        "state": State.FRESH,
        "header": "Nurse | Charité | Berlin",
        "summary": "night shift; 21 EUR an hour",
        "content_hash": content_hash("We look for a nurse."),
        "posting_hash": posting_hash({"title": "Nurse"}),
        "summarizer": SummarizerId(model="summarizer-double", revision="1", prompt_version="summarizer/1"),
        "num_tokens": NumTokens(raw=600, item=60),
        "valid_through": None,
        "origin": Origin(log="log-1", topic="job-updates", partition=0, offset=0, log_time=NOON),
        "event_time": NOON,
        "summarized_at": NOON,
        "rev": 1,
    }
    return SummaryDocument(**(fields | changes))


def posting_document(job_id: str = "job-1", source_version: int = 1, **changes: Any) -> PostingDocument:
    """A posting; ``changes`` replace fields, and the content hash follows the body."""
    fields: dict[str, Any] = {
        "job_id": job_id,
        "source_version": source_version,
        "posting_hash": posting_hash({"title": "Nurse"}),
        "posting": {"@type": "JobPosting", "title": "Nurse"},
        "header": "Nurse | Charité | Berlin",
        "body": f"We look for a nurse. Version {source_version}.",
    }
    fields |= changes
    return PostingDocument(**({"content_hash": content_hash(fields["body"])} | fields))


def score_entry(score: float = 0.5, *, scored_at: datetime = NOON, item_version: str = "a" * 32) -> ScoreEntry:
    """A cached score."""
    return ScoreEntry(item_version=item_version, score=score, scored_at=scored_at)
