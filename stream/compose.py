"""Documents made from decisions: what is written to the store and to the changelog."""

from dataclasses import dataclass
from datetime import datetime

from models.bundle import PromptLimits
from models.prompts import RankerPrompt, render_header
from schemas.documents import NumTokens, Origin, PostingDocument, State, SummarizerId, SummaryDocument, next_rev
from schemas.events import Upsert
from stream.content import Content
from stream.decide import Remove

__all__ = ["Composer", "Summary", "kept_summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary and where it comes from.

    Attributes:
        text: One line; empty for an empty body.
        state: ``FRESH`` or ``FALLBACK``.
        summarizer: Which model wrote it; None where none did.
        generation: Roll-out that it belongs to.
    """

    text: str
    state: State
    summarizer: SummarizerId | None
    generation: int = 0


def kept_summary(stored: SummaryDocument) -> Summary:
    """The stored summary, to stand under a new version."""
    return Summary(stored.summary, State.FRESH, stored.summarizer, stored.generation)


class Composer:
    """Builds documents; knows how the ranker reads them."""

    def __init__(self, prompt: RankerPrompt, limits: PromptLimits) -> None:
        self._prompt = prompt
        self._limits = limits

    def header(self, content: Content) -> str:
        """The posting's header, by the ranker's tokenizer and limit."""
        return render_header(content.facts, self._prompt.count_tokens, self._limits.header)

    def posting(self, update: Upsert, content: Content, header: str) -> PostingDocument:
        """The document of collection ``postings``."""
        return PostingDocument(
            job_id=update.job_id,
            source_version=update.version,
            content_hash=content.content_hash,
            posting=content.posting,
            header=header,
            body=content.body,
        )

    def live(
        self,
        update: Upsert,
        content: Content,
        header: str,
        summary: Summary,
        *,
        origin: Origin,
        previous: SummaryDocument | None,
        now: datetime,
    ) -> SummaryDocument:
        """The summary document of a job that is there.

        Args:
            update: The upsert that is applied.
            content: Its posting, read.
            header: Its header, rendered.
            summary: The summary that the document gets.
            origin: Place of the upsert.
            previous: The stored document that this one replaces.
            now: When it is written, UTC.
        """
        item_ids = tuple(self._prompt.item_ids(header, summary.text))
        num_raw = self._prompt.count_tokens(header) + self._prompt.count_tokens(content.body)
        return SummaryDocument(
            job_id=update.job_id,
            source_version=update.version,
            state=summary.state,
            title=content.facts.title,
            place="; ".join(content.facts.places),
            header=header,
            summary=summary.text,
            item_tokens={self._prompt.digest: item_ids},
            content_hash=content.content_hash,
            posting_hash=content.posting_hash,
            generation=summary.generation,
            summarizer=summary.summarizer,
            num_tokens=NumTokens(raw=num_raw, item=len(item_ids)),
            valid_through=content.valid_through,
            origin=origin,
            event_time=update.event_time,
            summarized_at=now,
            rev=next_rev(previous.rev if previous else None, now),
        )

    def deleted(
        self, job_id: str, remove: Remove, *, previous: SummaryDocument | None, now: datetime
    ) -> SummaryDocument:
        """The summary document of a job that is gone; header and summary of ``previous`` are kept for a re-post."""
        if previous is None:
            return SummaryDocument(
                job_id=job_id,
                source_version=remove.source_version,
                state=State.DELETED,
                header="",
                summary="",
                content_hash="",
                posting_hash="",
                summarizer=None,
                num_tokens=NumTokens(raw=0, item=0),
                valid_through=None,
                origin=remove.origin,
                event_time=remove.event_time,
                summarized_at=now,
                rev=next_rev(None, now),
            )
        changes = {
            "source_version": remove.source_version,
            "state": State.DELETED,
            "item_tokens": {},  # nobody scores it
            "origin": remove.origin,
            "event_time": remove.event_time,
            "summarized_at": now,
            "rev": next_rev(previous.rev, now),
        }
        return previous.model_copy(update=changes)
