"""Collection ``postings``. Functions block, so they run on threads."""

from couchbase.exceptions import CASMismatchException, DocumentExistsException, DocumentNotFoundException
from couchbase.options import GetOptions, InsertOptions, RemoveOptions, ReplaceOptions
from couchbase.result import GetResult

from schemas.documents import PostingDocument
from store.couchbase.collections import Collections
from store.couchbase.failures import Contended

__all__ = ["get_posting", "put_posting", "remove_posting"]

_MAX_TRIES = 32
"""Compare-and-swaps of one write; each lost one means that another writer of this job went on."""

_LOST = (CASMismatchException, DocumentExistsException, DocumentNotFoundException)


def get_posting(collections: Collections, job_id: str) -> PostingDocument | None:
    """See ``PostingStore.get_posting``."""
    found = _read(collections, job_id)
    return PostingDocument.model_validate_json(found.value) if found else None


def put_posting(collections: Collections, document: PostingDocument) -> bool:
    """See ``PostingStore.put_posting``."""
    job_id, content = document.job_id, document.model_dump_json()
    for _ in range(_MAX_TRIES):
        found = _read(collections, job_id)
        try:
            if found is None:
                collections.postings.insert(job_id, content, InsertOptions(**collections.durable))
            elif PostingDocument.model_validate_json(found.value).source_version > document.source_version:
                return False
            else:
                collections.postings.replace(job_id, content, ReplaceOptions(cas=found.cas, **collections.durable))
        except _LOST:
            continue
        return True
    raise _contended("put_posting")


def remove_posting(collections: Collections, job_id: str, *, up_to_version: int) -> None:
    """See ``PostingStore.remove_posting``."""
    options = {name: value for name, value in collections.durable.items() if name != "transcoder"}
    for _ in range(_MAX_TRIES):
        found = _read(collections, job_id)
        if found is None or PostingDocument.model_validate_json(found.value).source_version > up_to_version:
            return
        try:
            collections.postings.remove(job_id, RemoveOptions(cas=found.cas, **options))
        except _LOST:
            continue
        return
    raise _contended("remove_posting")


def _read(collections: Collections, job_id: str) -> GetResult | None:
    try:
        return collections.postings.get(job_id, GetOptions(**collections.plain))
    except DocumentNotFoundException:
        return None


def _contended(operation: str) -> Contended:
    message = f"{_MAX_TRIES} other writers of the same posting came first"
    return Contended(message, backend="store", operation=operation)
