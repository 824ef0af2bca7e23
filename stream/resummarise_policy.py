"""What a stored document is owed, and what a request for it means. Pure: the same arguments, the same answer.

Invariant R: after a record is finished, the stored document of its job is deleted, or has the current generation and a
summary that the model would give again, or a request for it stands in the re-summarise topic.
"""

from dataclasses import replace
from enum import StrEnum

from schemas.documents import State, SummaryDocument
from schemas.resummarise import Reason, ResummariseRequest
from schemas.rollout import RolloutState
from stream.compose import Summary

__all__ = ["LaneOutcome", "is_ours", "is_superseded", "owed_request", "settled_as", "to_write"]


class LaneOutcome(StrEnum):
    """What became of a request. All of them are ordinary."""

    RESUMMARIZED = "resummarized"
    """A new summary stands."""
    KEPT = "kept"
    """The model gave nothing that may be stored as fresh: the old summary stands, and counts as done."""
    CURRENT = "current"
    """The stored summary is what was asked for; what a crash may have cut off was finished."""
    GONE = "gone"
    """The job is deleted, or was never stored."""
    CHANGED = "changed"
    """A live update is replacing the body that the stored summary is of: it brings a new summary itself."""
    NO_POSTING = "no_posting"
    """The posting is not stored: there is nothing to summarise."""
    SUPERSEDED = "superseded"
    """Another summarizer was to write it, and a later roll-out asks for the job again."""
    DEAD_LETTERED = "dead_lettered"
    """The request cannot be processed; it stands in the dead-letter topic with the reason."""


def is_ours(request: ResummariseRequest, revision: str) -> bool:
    """Whether a worker with this summarizer bundle may write the summary that is asked for."""
    return request.revision is None or request.revision == revision


def is_superseded(request: ResummariseRequest, rollout: RolloutState) -> bool:
    """Whether the roll-out that the request belongs to was followed by another, which asks for every job itself."""
    return request.reason is Reason.ROLLOUT and request.generation < rollout.generation


def settled_as(
    stored: SummaryDocument | None, request: ResummariseRequest, *, summarised_hash: str | None = None
) -> LaneOutcome | None:
    """How a request is settled without writing; None where a summary is to be made and written.

    Args:
        stored: The document as read, None where there is none.
        request: What is asked for.
        summarised_hash: ``content_hash`` of the body that a summary was made of already; None before.
    """
    if stored is None or stored.is_deleted:
        return LaneOutcome.GONE
    if stored.state is not State.FALLBACK and request.generation <= stored.generation:
        return LaneOutcome.CURRENT
    if summarised_hash is not None and summarised_hash != stored.content_hash:
        return LaneOutcome.CHANGED
    return None


def to_write(stored: SummaryDocument, made: Summary, generation: int) -> Summary | None:
    """The summary that the document gets; None where the stored one stands as it is.

    Where the model gave nothing that may be stored as fresh, the stored summary stays: an older model's is better than
    an extractive one, and of two extractive ones neither is. It is given the new generation all the same: asked again,
    the same model would say the same, and the roll-out must end.

    Args:
        stored: The document, live.
        made: What the summarizer made of its body; no fallback for a transient cause.
        generation: Roll-out that the new summary belongs to.
    """
    if made.state is State.FRESH:
        return replace(made, generation=generation)
    if generation <= stored.generation:
        return None
    return Summary(stored.summary, stored.state, stored.summarizer, generation)


def owed_request(document: SummaryDocument, rollout: RolloutState, *, is_mendable: bool) -> ResummariseRequest | None:
    """What is to be asked for, so that the document ends as it should (invariant R); None where nothing is.

    Args:
        document: As it was written or read.
        rollout: The latest roll-out seen.
        is_mendable: Whether the model might say something else when it is asked again about a fallback.
    """
    if document.is_deleted:
        return None
    if document.generation < rollout.generation:  # a worker of the old model wrote it, or the job was revived
        return ResummariseRequest(
            job_id=document.job_id, reason=Reason.ROLLOUT, generation=rollout.generation, revision=rollout.revision
        )
    if document.state is State.FALLBACK and is_mendable:
        return ResummariseRequest(job_id=document.job_id, reason=Reason.FALLBACK, generation=rollout.generation)
    return None
