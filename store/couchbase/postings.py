"""Collection ``postings``. Functions block, so they run on threads."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from couchbase.exceptions import CASMismatchException, DocumentExistsException, DocumentNotFoundException
from couchbase.options import (
    GetOptions,
    InsertOptions,
    LookupInOptions,
    MutateInOptions,
    RemoveOptions,
    ReplaceOptions,
)
from couchbase.result import GetResult
from couchbase.subdocument import get as field
from couchbase.subdocument import replace

from schemas.documents import PostingDocument
from store.couchbase.collections import Collections
from store.couchbase.failures import Contended

__all__ = ["get_posting", "put_posting", "raise_posting", "remove_posting"]

T = TypeVar("T")

_MAX_TRIES = 32
"""Compare-and-swaps of one write; each lost one means that another writer of this job went on."""

_VERSION, _HASH = "source_version", "posting_hash"
_LOST = (CASMismatchException, DocumentExistsException, DocumentNotFoundException)


def get_posting(collections: Collections, job_id: str) -> PostingDocument | None:
    """See ``PostingStore.get_posting``."""
    found = _read(collections, job_id)
    return PostingDocument.model_validate_json(found.value) if found else None


def put_posting(collections: Collections, document: PostingDocument) -> bool:
    """See ``PostingStore.put_posting``."""
    job_id, content = document.job_id, document.model_dump_json()

    def put() -> bool:
        found = _read(collections, job_id)
        if found is None:
            collections.postings.insert(job_id, content, InsertOptions(**collections.durable))
        elif PostingDocument.model_validate_json(found.value).source_version > document.source_version:
            return False
        else:
            collections.postings.replace(job_id, content, ReplaceOptions(cas=found.cas, **collections.durable))
        return True

    return _until_won(put, "put_posting")


def raise_posting(collections: Collections, job_id: str, *, posting_hash: str, source_version: int) -> bool:
    """Give the stored posting a higher version; no more of it than that goes over the network.

    Returns:
        False where it is gone, is another one, or has a higher version already.
    """
    fields, options = (field(_VERSION), field(_HASH)), LookupInOptions(timeout=collections.plain["timeout"])
    changes = (replace(_VERSION, source_version),)

    def raise_it() -> bool:
        try:
            found = collections.postings.lookup_in(job_id, fields, options)
        except DocumentNotFoundException:
            return False
        stored_hash = found.content_as[str](1) if found.exists(1) else ""
        if stored_hash != posting_hash or found.content_as[int](0) > source_version:
            return False
        collections.postings.mutate_in(job_id, changes, MutateInOptions(cas=found.cas, **_without_content(collections)))
        return True

    return _until_won(raise_it, "put_live")


def remove_posting(collections: Collections, job_id: str, *, up_to_version: int) -> None:
    """See ``PostingStore.remove_posting``."""

    def remove() -> None:
        found = _read(collections, job_id)
        if found is None or PostingDocument.model_validate_json(found.value).source_version > up_to_version:
            return
        collections.postings.remove(job_id, RemoveOptions(cas=found.cas, **_without_content(collections)))

    _until_won(remove, "remove_posting")


def _until_won(attempt: Callable[[], T], operation: str) -> T:
    """What an attempt returns that no other writer came before: each reads, decides and writes by compare-and-swap."""
    for _ in range(_MAX_TRIES):
        with suppress(*_LOST):
            return attempt()
    message = f"{_MAX_TRIES} other writers of the same posting came first"
    raise Contended(message, backend="store", operation=operation)


def _without_content(collections: Collections) -> dict[str, Any]:
    """Options of a durable write that sends no document."""
    return {name: value for name, value in collections.durable.items() if name != "transcoder"}


def _read(collections: Collections, job_id: str) -> GetResult | None:
    try:
        return collections.postings.get(job_id, GetOptions(**collections.plain))
    except DocumentNotFoundException:
        return None
