"""Collection ``summaries``. Functions block, so they run on threads."""

from collections.abc import Sequence
from typing import Any

from couchbase.exceptions import CASMismatchException, DocumentExistsException, DocumentNotFoundException
from couchbase.options import ExistsOptions, GetMultiOptions, GetOptions, InsertOptions, ReplaceOptions

from schemas.documents import SummaryDocument
from store.couchbase.batches import batches
from store.couchbase.collections import Collections, expiry
from store.ports import Cas, StoredSummary

__all__ = ["get", "get_many", "is_current", "put"]


def get(collections: Collections, job_id: str) -> StoredSummary | None:
    """See ``SummaryStore.get``."""
    try:
        found = collections.summaries.get(job_id, GetOptions(**collections.plain))
    except DocumentNotFoundException:
        return None
    return StoredSummary(SummaryDocument.model_validate_json(found.value), Cas(found.cas))


def is_current(collections: Collections, job_id: str, *, cas: Cas) -> bool:
    """See ``SummaryStore.is_current``."""
    found = collections.summaries.exists(job_id, ExistsOptions(timeout=collections.plain["timeout"]))
    return bool(found.exists) and found.cas == cas


def get_many(collections: Collections, job_ids: Sequence[str]) -> dict[str, SummaryDocument]:
    """See ``SummaryStore.get_many``. The SDK's multi-get does not raise: each key's own failure is looked at."""
    documents = {}
    for batch in batches(dict.fromkeys(job_ids)):
        found = collections.summaries.get_multi(batch, GetMultiOptions(**collections.plain))
        for error in found.exceptions.values():
            if not isinstance(error, DocumentNotFoundException):
                raise error
        for job_id, result in found.results.items():
            documents[job_id] = SummaryDocument.model_validate_json(result.value)
    return documents


def put(collections: Collections, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None) -> Cas | None:
    """See ``SummaryStore.put``."""
    options: dict[str, Any] = dict(collections.durable)
    if ttl_s is not None:
        options["expiry"] = expiry(ttl_s)
    content = document.model_dump_json()
    try:
        if cas is None:
            written = collections.summaries.insert(document.job_id, content, InsertOptions(**options))
        else:
            written = collections.summaries.replace(document.job_id, content, ReplaceOptions(cas=cas, **options))
    except (CASMismatchException, DocumentExistsException, DocumentNotFoundException):
        return None
    return Cas(written.cas)
