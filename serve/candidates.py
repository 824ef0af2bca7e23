"""Candidates of a call: what stands for each of them in the store, and whether it can be scored. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schemas.api import Reason
from schemas.canonical import item_version
from schemas.documents import State
from schemas.text import single_line
from schemas.wire import AnyDocument, DocumentObject

__all__ = ["Item", "Servable", "Unservable", "candidates_of", "inline_item", "item_of", "items_of"]

# An item is some 160 tokens; no language needs more characters for them, and long texts cost time to normalise.
_READ_CHARS = 4_000


class Servable(Protocol):
    """What scoring reads of a summary: fields of ``SummaryDocument``, which the near-cache has as well."""

    @property
    def job_id(self) -> str: ...  # noqa: D102 - see SummaryDocument
    @property
    def state(self) -> State: ...  # noqa: D102
    @property
    def source_version(self) -> int: ...  # noqa: D102
    @property
    def item_version(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102
    @property
    def header(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def item_tokens(self) -> Mapping[str, tuple[int, ...]]: ...  # noqa: D102
    @property
    def event_time(self) -> datetime | None: ...  # noqa: D102
    @property
    def summarized_at(self) -> datetime: ...  # noqa: D102
    @property
    def is_deleted(self) -> bool: ...  # noqa: D102
    def is_expired(self, now: datetime) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Item:
    """A text to score, and the identity of exactly this text.

    Attributes:
        job_id: The job it belongs to; None for a text that came with the call, which is never cached.
        header: Typed facts on one line; may be empty for a text that came with the call.
        summary: The compressed body.
        version: Identity of (header, summary), made from the same document read.
        token_ids: The item as the ranker reads it, where the store had it for this prompt; None otherwise.
        document: The document read; None for a text that came with the call.
    """

    job_id: str | None
    header: str
    summary: str
    version: str
    token_ids: tuple[int, ...] | None
    document: Servable | None


@dataclass(frozen=True, slots=True)
class Unservable:
    """A candidate that has nothing to score.

    Attributes:
        reason: Why.
        document: What the store has of it, if anything.
    """

    reason: Reason
    document: Servable | None


def item_of(document: Servable | None, *, prompt_digest: str, now: datetime) -> Item | Unservable:
    """What can be scored of one stored document.

    Args:
        document: From the read of this call; None where the store has none.
        prompt_digest: Token ids stored under it may be used as they are.
        now: Decides about expiry.
    """
    if document is None:
        return Unservable(Reason.NO_SUMMARY, None)
    if document.is_deleted:
        return Unservable(Reason.DELETED, document)
    if document.is_expired(now):
        return Unservable(Reason.EXPIRED, document)
    return Item(
        job_id=document.job_id,
        header=document.header,
        summary=document.summary,
        version=document.item_version,
        token_ids=document.item_tokens.get(prompt_digest),
        document=document,
    )


def items_of(
    job_ids: Sequence[str], documents: Mapping[str, Servable], *, prompt_digest: str, now: datetime
) -> dict[str, Item | Unservable]:
    """:func:`item_of` for each distinct id, in order of first mention."""
    return {
        job_id: item_of(documents.get(job_id), prompt_digest=prompt_digest, now=now)
        for job_id in dict.fromkeys(job_ids)
    }


def inline_item(text: str, normalise: Callable[[str], str]) -> Item:
    """A text that came with the call, as an item: its first line is the header where it has several.

    Args:
        text: Plain text or HTML.
        normalise: To one line of plain text.
    """
    first, newline, rest = text.strip().partition("\n")
    header, summary = (normalise(first), normalise(rest)) if newline else ("", normalise(first))
    return Item(None, header, summary, item_version(header, summary), None, None)


def candidates_of(documents: Sequence[AnyDocument]) -> list[str | Item]:
    """Documents of a call as candidates: a job id where one is named, else the text as an item.

    Pure, but a thousand long texts take a tenth of a second: call it in a thread.

    Args:
        documents: Of each text only the beginning is read.
    """
    return [_candidate(document) for document in documents]


def _candidate(document: AnyDocument) -> str | Item:
    if isinstance(document, DocumentObject) and document.id is not None:
        return document.id
    text = document if isinstance(document, str) else document.text or ""
    return inline_item(text[:_READ_CHARS], single_line)
