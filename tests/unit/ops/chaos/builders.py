"""Documents, records and results as the checker sees them."""

from datetime import UTC, datetime
from typing import Any

from models.prompts import normalise_query
from ops.chaos.answers import score_of
from ops.chaos.bundles import Bundles
from ops.chaos.oracle import EndState, ExpectedJob
from ops.chaos.records import Entry, Meaning, Planned
from schemas.canonical import item_version
from schemas.documents import NumTokens, Origin, PostingDocument, State, SummarizerId, SummaryDocument

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUERY = "nurse night shift"


def document(
    version: int = 1, *, rev: int = 1, state: State = State.FRESH, summary: str = "", job_id: str = "job"
) -> Any:
    """A stored document; header and summary tell its version."""
    return SummaryDocument(
        job_id=job_id,
        source_version=version,
        state=state,
        header=f"header {version}",
        summary=summary or f"summary {version}",
        content_hash=f"hash {version}",
        posting_hash="",
        summarizer=SummarizerId(model="m", revision="r", prompt_version="p"),
        num_tokens=NumTokens(raw=1, item=1),
        valid_through=None,
        origin=Origin(log="log", topic="job-updates", partition=0, offset=version, log_time=NOW),
        event_time=NOW,
        summarized_at=NOW,
        rev=rev,
    )


def posting(version: int = 1) -> PostingDocument:
    """The posting of :func:`document`."""
    return PostingDocument(
        job_id="job", source_version=version, content_hash=f"hash {version}", posting={}, header="", body=""
    )


def expected(version: int = 1, *, is_deleted: bool = False) -> ExpectedJob:
    """What the oracle says of :func:`document`."""
    return ExpectedJob(
        is_deleted=is_deleted,
        source_version=version,
        header=f"header {version}",
        content_hash=f"hash {version}",
        summary=f"summary {version}",
    )


def end_of(version: int = 1, *, is_deleted: bool = False) -> EndState:
    """One job stands."""
    return EndState(jobs={"job": expected(version, is_deleted=is_deleted)})


def result(bundles: Bundles, of: SummaryDocument | None, *, reason: str | None = None, scored: Any = None) -> Any:
    """A result of ``/v1/score`` with explanation.

    Args:
        bundles: Of the ranker.
        of: Whose version and text are returned; None: nothing is stored.
        reason: Why there is no score.
        scored: The document whose text the score is of; that of ``of`` by default.
    """
    if of is None or reason == "deleted":
        return {"job_id": "job", "score": None, "source": "unscored", "reason": reason, "item_version": None}
    text = scored or of
    ids = bundles.prompt.item_ids(text.header, text.summary)
    score = None if reason else score_of(bundles.prompt.query_ids(normalise_query(QUERY)), ids)
    return {
        "job_id": "job",
        "score": score,
        "source": "unscored" if reason else "model",
        "reason": reason,
        "item_version": item_version(of.header, of.summary),
        "explain": {"header": of.header, "summary": of.summary, "source_version": of.source_version},
    }


def log_of(*meanings: Meaning, job_id: str = "job") -> list[Entry]:
    """Records of one job in one partition."""
    return [
        Entry(0, offset, Planned(offset, "test", job_id, meaning, job_id.encode(), None))
        for offset, meaning in enumerate(meanings)
    ]
