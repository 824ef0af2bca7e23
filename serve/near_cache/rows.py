"""A summary document as the near-cache keeps it: what scoring reads, and nothing else."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.documents import State, SummaryDocument

__all__ = ["COLUMNS", "NearDocument", "Row", "Tokenise", "document_of", "row_of"]

Tokenise = Callable[[str, str], Sequence[int]]
"""(header, summary) -> the item's token ids."""

Row = tuple[Any, ...]
"""Values of ``COLUMNS``."""

COLUMNS = (
    "job_id", "rev", "state", "source_version", "item_version", "title", "place", "header", "summary", "token_ids",
    "valid_through_us", "event_time_us", "summarized_at_us",
)  # fmt: skip

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STATES = tuple(State)
_NARROW, _WIDE = "H", "I"  # unsigned 16 and 32 bits; the first byte of a blob says which
_MAX_NARROW = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDocument:
    """Fields of ``SummaryDocument`` of the same names. Of a deleted job there is no text."""

    job_id: str
    rev: int
    state: State
    source_version: int
    item_version: str
    title: str
    place: str
    header: str
    summary: str
    item_tokens: dict[str, tuple[int, ...]]
    valid_through: datetime | None
    event_time: datetime | None
    summarized_at: datetime

    @property
    def is_deleted(self) -> bool:
        """Whether the job is gone."""
        return self.state is State.DELETED

    def is_expired(self, now: datetime) -> bool:
        """Whether the posting's own end date has passed."""
        return self.valid_through is not None and self.valid_through < now


def row_of(document: SummaryDocument, *, prompt_digest: str, tokenise: Tokenise) -> Row:
    """What is kept of a document; ids that the writer did not have for this prompt are made here."""
    is_there = not document.is_deleted
    token_ids: Sequence[int] = ()
    if is_there:
        token_ids = document.item_tokens.get(prompt_digest) or tokenise(document.header, document.summary)
    return (
        document.job_id,
        document.rev,
        _STATES.index(document.state),
        document.source_version,
        bytes.fromhex(document.item_version) if is_there else b"",
        document.title if is_there else "",
        document.place if is_there else "",
        document.header if is_there else "",
        document.summary if is_there else "",
        _packed(token_ids),
        _us(document.valid_through),
        _us(document.event_time),
        _us(document.summarized_at),
    )


def document_of(row: Row, prompt_digest: str) -> NearDocument:
    """The document of a row.

    Args:
        row: Values of ``COLUMNS``.
        prompt_digest: What its token ids were made by.
    """
    token_ids = _unpacked(row[9])
    return NearDocument(
        job_id=row[0],
        rev=row[1],
        state=_STATES[row[2]],
        source_version=row[3],
        item_version=row[4].hex(),
        title=row[5],
        place=row[6],
        header=row[7],
        summary=row[8],
        item_tokens={prompt_digest: token_ids} if token_ids else {},
        valid_through=_time(row[10]),
        event_time=_time(row[11]),
        summarized_at=_EPOCH + timedelta(microseconds=row[12]),
    )


def _packed(token_ids: Sequence[int]) -> bytes:
    code = _NARROW if max(token_ids, default=0) <= _MAX_NARROW else _WIDE
    return code.encode() + array(code, token_ids).tobytes()


def _unpacked(blob: bytes) -> tuple[int, ...]:
    token_ids = array(blob[:1].decode())
    token_ids.frombytes(blob[1:])
    return tuple(token_ids)


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _time(us: int | None) -> datetime | None:
    return None if us is None else _EPOCH + timedelta(microseconds=us)
