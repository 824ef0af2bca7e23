"""Leases of scores that are being computed: a document a query, beside the cached scores. Functions block."""

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from store.couchbase.collections import Collections
from store.couchbase.rewrite import rewrite
from store.lease_policy import Leases, after_release, others_of, with_lead

__all__ = ["lead", "release"]

_LEASES = TypeAdapter(dict[str, tuple[str, float]])
_PREFIX = "lease:"
_DOCUMENT_TTL_S = 60.0
"""Longer than leases last: one that is taken for a short time must not take the document of the others with it."""


def lead(
    collections: Collections,
    fingerprint: str,
    item_versions: Sequence[str],
    *,
    holder: str,
    ttl_s: float,
    now_s: float,
) -> dict[str, float]:
    """See ``ScoreLeases.lead``: one read and one compare-and-swap, two tries; who loses both leads without a lease."""
    others: dict[str, float] = {}

    def change(_key: str, content: bytes | None) -> bytes | None:
        nonlocal others
        leases = _read(content)
        others = others_of(leases, item_versions, holder, now_s)
        if len(others) == len(set(item_versions)):
            return None
        return _LEASES.dump_json(with_lead(leases, item_versions, holder, now_s=now_s, ttl_s=ttl_s))

    document_ttl_s = max(ttl_s, _DOCUMENT_TTL_S)
    rewrite(collections.scores, [_PREFIX + fingerprint], change, ttl_s=document_ttl_s, options=collections.cached)
    return others


def release(
    collections: Collections, fingerprint: str, item_versions: Sequence[str], *, holder: str, now_s: float
) -> None:
    """See ``ScoreLeases.release``. The document stays until it expires, which is soon."""

    def change(_key: str, content: bytes | None) -> bytes | None:
        if content is None:
            return None
        return _LEASES.dump_json(after_release(_read(content), item_versions, holder, now_s=now_s))

    rewrite(collections.scores, [_PREFIX + fingerprint], change, ttl_s=_DOCUMENT_TTL_S, options=collections.cached)


def _read(content: bytes | None) -> Leases:
    try:
        return _LEASES.validate_json(content) if content else {}
    except ValidationError:
        return {}  # what it said is lost, which costs a computation that was under way already
