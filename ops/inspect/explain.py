"""Why a job is what it is, and what happens next, in plain words. Pure."""

from datetime import timedelta

from ops.inspect.story import OriginRecord, Published, Story
from ops.numbers import age_text
from schemas.documents import State, SummaryDocument

__all__ = ["explain", "problems_of"]


def explain(story: Story) -> str:
    """One paragraph: what is served and why, why no stale score can be served, what happens next."""
    document = story.document
    if document is None:
        return " ".join(_without_document(story))
    if document.is_deleted:
        return " ".join([*_deleted(story, document), *_next(story)])
    sentences = [*_live(story, document), _scores(story, document), *_next(story)]
    return " ".join(sentence for sentence in sentences if sentence)


def problems_of(story: Story) -> list[str]:
    """What is not as it should be, each with its remedy; empty where all is well.

    An update at work makes some of these true for a moment: look again before acting.
    """
    document = story.document
    problems = [_PUBLISHED[story.published]] if story.published in _PUBLISHED else []
    if story.published is Published.NULLED and document is not None:
        problems.append(
            "The changelog ends on a null although a document is stored: readers of the changelog miss this job. "
            "Run `precis changelog prune`, which publishes it again."
        )
    if document is None or document.is_deleted:
        if story.posting is not None and document is not None:
            problems.append(
                f"The job is deleted and its posting of version {story.posting.source_version} is still stored: "
                "harmless, the next update of the job removes it."
            )
        return problems
    if story.posting is None:
        problems.append("Its posting is not stored, so it cannot be summarised anew: publish the job again.")
    elif story.posting.source_version == document.source_version:
        if story.posting.content_hash != document.content_hash:
            problems.append("The stored posting has another body than the summary was made from: publish it again.")
    else:
        problems.append(
            f"The stored posting is of version {story.posting.source_version}, the summary of "
            f"{document.source_version}: an update is at work between the two writes, or was cut off there and comes "
            "back with its record."
        )
    if open_letters := [letter for letter in story.letters if str(letter.place) not in story.replayed]:
        named = ", ".join(str(letter.place) for letter in open_letters)
        problems.append(f"Updates of it were refused: `precis dlq show {open_letters[0].place}` (all: {named}).")
    return problems


_PUBLISHED = {
    Published.BEHIND: (
        "The changelog is behind the store: a write is being published now, or was cut off before; its record comes "
        "back and publishes it."
    ),
    Published.AHEAD: (
        "The changelog is ahead of the store: the store was reset or restored, or is not the one that this cluster's "
        "nearline service writes."
    ),
    Published.UNREADABLE: "The last record of the changelog is no summary document: another program writes there.",
}


def _live(story: Story, document: SummaryDocument) -> list[str]:
    written = document.summarized_at.isoformat(timespec="seconds")
    served = f"Version {document.source_version} is served since {written}"
    if document.event_time is not None:
        served += f", {age_text((document.summarized_at - document.event_time).total_seconds())} after it happened"
    sentences = [f"{served}.", _why_this_summary(document)]
    if document.is_expired(story.as_of):
        sentences.append(f"Its own end date {document.valid_through} has passed: scorers answer `expired` for it.")
    return sentences


def _why_this_summary(document: SummaryDocument) -> str:
    if document.state is State.FALLBACK:
        return (
            "Its summary is a fallback: phrases taken from the posting, because the model gave none that may be stored "
            "(no answer within the budget, or an answer that was empty or stated what the posting does not). "
            "Search is never without the posting meanwhile."
        )
    if document.summarizer is None:
        return "Its body is short enough to be its own summary: no model was asked."
    by = document.summarizer
    return (
        f"Its summary was written by {by.model} (revision {by.revision[:12]}, prompt {by.prompt_version}, roll-out "
        f"generation {document.generation}); later versions with the same body keep it."
    )


def _scores(story: Story, document: SummaryDocument) -> str:
    cached = {0: "No query has", 1: "One query has"}.get(story.num_scores, f"{story.num_scores} queries have")
    return (
        f"A stale score cannot be served: a score counts only for item version {document.item_version}, which is the "
        f"hash of exactly this header and summary, and both are read from the store in the call. {cached} it cached."
    )


def _deleted(story: Story, document: SummaryDocument) -> list[str]:
    if document.event_time is not None:
        how = f"by a delete of version {document.source_version} at {document.event_time.isoformat(timespec='seconds')}"
    else:
        how = f"by a tombstone, in the log at {document.origin.log_time.isoformat(timespec='seconds')}"
    until = document.summarized_at + timedelta(seconds=story.deleted_ttl_s)
    sentences = [
        f"The job was deleted {how}: scorers answer `deleted` for it, and no score of it is served.",
    ]
    if document.summary:
        sentences.append("Its header and summary are kept so that the same text, posted again, needs no model.")
    sentences.append(
        f"The document stays until about {until.isoformat(timespec='minutes')}, so that a late older update cannot "
        "bring the job back; after that `precis changelog prune` publishes its null."
    )
    return sentences


def _without_document(story: Story) -> list[str]:
    sentences = ["Nothing is stored of this job: scorers answer `no_summary` for it."]
    if story.published is Published.EXPIRED:
        sentences.append("It was deleted, and that has expired from the store: `precis changelog prune` ends it there.")
    if story.letters:
        last = story.letters[-1]
        sentences.append(
            f"{len(story.letters)} of its updates were refused, the last with {last.error}: {last.message} "
            f"(`precis dlq show {last.place}` says what to do)."
        )
    return [*sentences, *_next(story)]


def _next(story: Story) -> list[str]:
    sentences = []
    if story.waiting:
        newest = story.waiting[-1]
        version = f" of version {newest.version}" if newest.version is not None else ""
        sentences.append(
            f"{len(story.waiting)} of its records are not committed yet, the last ({newest.says}{version}) at "
            f"{newest.place}: what they say comes next."
        )
    document = story.document
    if document is not None and document.state is State.FALLBACK:
        sentences.append(_mending(story))
    elif story.requests and document is not None and not document.is_deleted:
        sentences.append(f"It is to be summarised anew: a request stands at {story.requests[-1].place}.")
    if story.origin is OriginRecord.OTHER_LOG:
        sentences.append("The record applied last stood in another log, so a tombstone is ordered by its log time.")
    return sentences


def _mending(story: Story) -> str:
    if story.requests:
        return (
            f"It will be mended: a request stands at {story.requests[-1].place}, and the re-summarise lane takes it "
            "when live work leaves room (`precis rollout status` says whether the lane is paused)."
        )
    return (
        "No request to mend it is open: either the lane has just done what it could, or the model would say the same "
        "again, and it waits for a new one (`precis rollout start`) or for the next edit."
    )
