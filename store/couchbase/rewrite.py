"""Compare-and-swap of many documents at once: read all, change each, write all, and once more those that lost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from couchbase.collection import Collection
from couchbase.exceptions import (
    CASMismatchException,
    CouchbaseException,
    DocumentExistsException,
    DocumentNotFoundException,
)
from couchbase.options import GetMultiOptions, InsertMultiOptions, ReplaceMultiOptions, ReplaceOptions

from store.couchbase.batches import batches
from store.couchbase.collections import expiry

__all__ = ["rewrite"]

_MAX_TRIES = 2
_LOST = (CASMismatchException, DocumentExistsException, DocumentNotFoundException)

Change = Callable[[str, bytes | None], bytes | None]
"""From key and content (None: there is no document) to the new content (None: leave it as it is). Pure: it runs again
where a write lost."""


@dataclass(frozen=True, slots=True)
class _Read:
    content: bytes | None
    cas: int


def rewrite(
    collection: Collection, keys: Iterable[str], change: Change, *, ttl_s: float, options: Mapping[str, Any]
) -> set[str]:
    """Change documents, each by its own compare-and-swap, two tries each.

    Args:
        collection: Where they are.
        keys: Which; each batch is read in one round trip and written in one or two.
        change: What to do with each.
        ttl_s: Time to live of what is written, in seconds.
        options: Of every operation.

    Returns:
        The keys that lost both tries; nothing was changed there.

    Raises:
        CouchbaseException: The first failure of another kind.
    """
    lost: set[str] = set()
    for batch in batches(sorted(set(keys))):
        lost |= _rewrite_batch(collection, batch, change, dict(options), {"expiry": expiry(ttl_s)})
    return lost


def _rewrite_batch(
    collection: Collection, keys: list[str], change: Change, options: dict[str, Any], on_write: dict[str, Any]
) -> set[str]:
    pending = set(keys)
    for _ in range(_MAX_TRIES):
        if not pending:
            break
        reads = _read(collection, sorted(pending), options)
        changes = {key: content for key, read in reads.items() if (content := change(key, read.content)) is not None}
        pending = _write(collection, changes, reads, options | on_write)
    return pending


def _read(collection: Collection, keys: list[str], options: Mapping[str, Any]) -> dict[str, _Read]:
    found = collection.get_multi(keys, GetMultiOptions(**options))
    _raise_unless_lost(found.exceptions)
    absent = _Read(None, 0)
    results = found.results
    return {key: _Read(results[key].value, results[key].cas) if key in results else absent for key in keys}


def _write(
    collection: Collection, changes: Mapping[str, bytes], reads: Mapping[str, _Read], options: dict[str, Any]
) -> set[str]:
    inserts = {key: content for key, content in changes.items() if reads[key].content is None}
    replaces = {key: content for key, content in changes.items() if key not in inserts}
    failures: list[Mapping[str, CouchbaseException]] = []
    if inserts:
        failures.append(collection.insert_multi(inserts, InsertMultiOptions(**options)).exceptions)
    if replaces:
        per_key = {key: ReplaceOptions(cas=reads[key].cas) for key in replaces}
        multi = ReplaceMultiOptions(per_key_options=per_key, **options)
        failures.append(collection.replace_multi(replaces, multi).exceptions)
    for failed in failures:
        _raise_unless_lost(failed)
    return set(chain.from_iterable(failures))


def _raise_unless_lost(failures: Mapping[str, CouchbaseException]) -> None:
    for error in failures.values():
        if not isinstance(error, _LOST):
            raise error
