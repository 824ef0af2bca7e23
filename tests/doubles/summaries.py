"""Summary documents for tests of what reads them."""

from datetime import UTC, datetime
from typing import Any

from schemas.documents import NumTokens, Origin, State, SummaryDocument

__all__ = ["LONG_AGO", "summary_of"]

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def summary_of(job_id: str, summary: str = "night shift; part time", **changes: Any) -> SummaryDocument:
    """A fresh document of version 1 with this summary; any field may be given."""
    fields: dict[str, Any] = {
        "job_id": job_id,
        "source_version": 1,
        "state": State.FRESH,
        "title": f"Nurse {job_id}",
        "place": "Berlin",
        "header": f"Nurse {job_id} | Clinic | Berlin",
        "summary": summary,
        "content_hash": "c",
        "posting_hash": "p",
        "summarizer": None,
        "num_tokens": NumTokens(raw=100, item=20),
        "valid_through": None,
        "origin": Origin(log="log", topic="job-updates", partition=0, offset=0, log_time=LONG_AGO),
        "event_time": LONG_AGO,
        "summarized_at": LONG_AGO,
        "rev": 1,
    }
    return SummaryDocument(**(fields | changes))
