"""Documents made from decisions: what is written to the store and to the changelog."""

from dataclasses import dataclass
from datetime import datetime

from models.bundle import PromptLimits
from models.prompts import RankerPrompt, render_header
from schemas.documents import NumTokens, Origin, PostingDocument, State, SummarizerId, SummaryDocument, next_rev
from schemas.events import Upsert
from schemas.posting import READING
from stream.content import Content
from stream.decide import Remove

__all__ = ["Composer", "Summary", "kept_summary"]

_PASSING_CAUSES = frozenset({"deadline", "unavailable"})


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary and where it comes from.

    Attributes:
        text: One line; empty for an empty body.
        state: ``FRESH`` or ``FALLBACK``.
        summarizer: Which model wrote it; None where none did.
        generation: Roll-out that it belongs to.
        cause: Why it is a fallback (``deadline``, ``unavailable``, ``unfaithful:<reason>``, ``empty``); None for a
            fresh one.
    """

    text: str
    state: State
    summarizer: SummarizerId | None
    generation: int = 0
    cause: str | None = None

    @property
    def is_mendable(self) -> bool:
        """Whether it is a fallback for a cause that passes: asked again later, the model may answer.

        A model that decodes greedily says the same again, so what was unfaithful or empty waits for another model.
        """
        return self.state is State.FALLBACK and self.cause in _PASSING_CAUSES


def kept_summary(stored: SummaryDocument) -> Summary:
    """The stored summary, to stand under a new version."""
    return Summary(stored.summary, State.FRESH, stored.summarizer, stored.generation)


class Composer:
    """Builds documents; knows how the ranker reads them."""

    def __init__(self, prompt: RankerPrompt, limits: PromptLimits) -> None:
        self._prompt = prompt
        self._limits = limits

    def header(self, content: Content, previous: SummaryDocument | None = None) -> str:
        """The posting's header, by the ranker's tokenizer and limit.

        Args:
            content: The posting, read.
            previous: The stored document: a header that it has by the same tokenizer and limit is known to fit.
        """
        known = previous.header if previous and self.knows(previous) else None

        def count(text: str) -> int:
            return 0 if text == known else self._prompt.count_tokens(text)

        return render_header(content.read.facts, count, self._limits.header)

    def posting(self, update: Upsert, content: Content, header: str) -> PostingDocument:
        """The document of collection ``postings``."""
        return PostingDocument(
            job_id=update.job_id,
            source_version=update.version,
            content_hash=content.content_hash,
            posting_hash=content.posting_hash,
            posting=content.posting,
            header=header,
            body=content.read.body,
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
        item_ids, num_tokens = self._tokens(content, header, summary.text, previous)
        return SummaryDocument(
            job_id=update.job_id,
            source_version=update.version,
            state=summary.state,
            title=content.read.facts.title,
            place="; ".join(content.read.facts.places),
            header=header,
            summary=summary.text,
            item_tokens={self._prompt.digest: item_ids},
            content_hash=content.content_hash,
            posting_hash=content.posting_hash,
            reading=READING,
            generation=summary.generation,
            summarizer=summary.summarizer,
            num_tokens=num_tokens,
            valid_through=content.read.valid_through,
            origin=origin,
            event_time=update.event_time,
            summarized_at=now,
            rev=next_rev(previous.rev if previous else None, now),
        )

    def knows(self, stored: SummaryDocument | None) -> bool:
        """Whether the stored document has the item's ids as the ranker reads them now."""
        return stored is not None and self._prompt.digest in stored.item_tokens

    def repeated(self, update: Upsert, stored: SummaryDocument, *, origin: Origin, now: datetime) -> SummaryDocument:
        """The stored document under a higher version of the same posting: the item stays as it is.

        Args:
            update: The upsert that is applied.
            stored: The document that it replaces, known (:meth:`knows`).
            origin: Place of the upsert.
            now: When it is written, UTC.
        """
        changes = {
            "source_version": update.version,
            "origin": origin,
            "event_time": update.event_time,
            "summarized_at": now,
            "rev": next_rev(stored.rev, now),
        }
        return stored.model_copy(update=changes)

    def resummarised(self, stored: SummaryDocument, summary: Summary, *, now: datetime) -> SummaryDocument:
        """The stored document of a live job with another summary; version, header and place in the log stay.

        Args:
            stored: The document that it replaces.
            summary: What takes the place of its summary.
            now: When it is written, UTC.
        """
        item_ids = tuple(self._prompt.item_ids(stored.header, summary.text))
        changes = {
            "state": summary.state,
            "summary": summary.text,
            "item_tokens": {self._prompt.digest: item_ids},
            "generation": summary.generation,
            "summarizer": summary.summarizer,
            "num_tokens": NumTokens(raw=stored.num_tokens.raw, item=len(item_ids)),
            "summarized_at": now,
            "rev": next_rev(stored.rev, now),
        }
        return stored.model_copy(update=changes)

    def _tokens(
        self, content: Content, header: str, summary: str, previous: SummaryDocument | None
    ) -> tuple[tuple[int, ...], NumTokens]:
        """The item's ids and the lengths; what ``previous`` tells is not tokenised again, above all the body."""
        count = self._prompt.count_tokens
        known_ids = previous.item_tokens.get(self._prompt.digest) if previous else None
        if previous is None or known_ids is None or previous.content_hash != content.content_hash:
            item_ids = tuple(self._prompt.item_ids(header, summary))
            return item_ids, NumTokens(raw=count(header) + count(content.read.body), item=len(item_ids))
        if (previous.header, previous.summary) == (header, summary):
            return known_ids, previous.num_tokens
        item_ids = tuple(self._prompt.item_ids(header, summary))
        if previous.summary == summary:  # then the item grew as the header did
            raw = previous.num_tokens.raw + len(item_ids) - len(known_ids)
        else:
            raw = previous.num_tokens.raw - count(previous.header) + count(header)
        return item_ids, NumTokens(raw=raw, item=len(item_ids))

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
