"""Collection ``scores``: a document a query, and a list of queries a job. Functions block, so they run on threads.

A job is listed under a query *before* its score is cached there, so that every cached score can be found by its job; a
score whose listing lost is not cached.
"""

import json
import math
from collections.abc import Mapping, Sequence

from couchbase.exceptions import CASMismatchException, DocumentNotFoundException
from couchbase.options import GetMultiOptions, GetOptions, RemoveOptions, UpsertOptions
from pydantic import FiniteFloat, TypeAdapter, ValidationError

from schemas.documents import ScoreEntry
from store.couchbase.collections import Collections, expiry
from store.couchbase.rewrite import rewrite
from store.score_entries import WrongScores, mergeable, read_document, servable
from store.score_policy import MAX_QUERIES_PER_JOB, ScorePolicy, merged

__all__ = ["forget_all", "forget_job", "forget_query", "get_scores", "merge_scores"]

_SECONDS = TypeAdapter(FiniteFloat)
_ENTRIES = TypeAdapter(dict[str, ScoreEntry])
_LISTS = TypeAdapter(dict[str, FiniteFloat])
"""Query fingerprint -> when the job was last scored for it, in seconds since the epoch."""

_BY_JOB = "by_job:"
_EPOCH = "epoch"
"""Key of the document that says from when on scores count, in seconds since the epoch of Unix. Read with every look-up,
in the same round trip: so a purge holds for all processes at once."""
_EPOCH_TTL = 2
"""Times an entry's longest life: what an expired epoch would hide has expired before it."""


def get_scores(
    collections: Collections,
    fingerprint: str,
    job_ids: Sequence[str],
    *,
    policy: ScorePolicy,
    now_s: float,
    wrong: WrongScores,
) -> dict[str, ScoreEntry]:
    """See ``ScoreStore.get_scores``."""
    found = collections.scores.get_multi([fingerprint, _EPOCH], GetMultiOptions(**collections.cached))
    for error in found.exceptions.values():
        if not isinstance(error, DocumentNotFoundException):
            raise error
    if fingerprint not in found.results:
        return {}
    epoch = found.results[_EPOCH].value if _EPOCH in found.results else None
    return servable(
        fingerprint,
        read_document(found.results[fingerprint].value, wrong),
        job_ids,
        policy=policy,
        now_s=now_s,
        scored_from_s=_scored_from_s(epoch, wrong),
        wrong=wrong,
    )


def _scored_from_s(epoch: bytes | None, wrong: WrongScores) -> float:
    if epoch is None:
        return -math.inf
    try:
        return _SECONDS.validate_json(epoch)
    except ValidationError:  # somebody purged, nobody knows when: until it expires, nothing is from after it
        wrong.add(1)
        return math.inf


def merge_scores(
    collections: Collections,
    fingerprint: str,
    entries: Mapping[str, ScoreEntry],
    *,
    policy: ScorePolicy,
    now_s: float,
    wrong: WrongScores,
) -> bool:
    """See ``ScoreStore.merge_scores``."""
    if not entries:
        return True
    unlisted = _list_under_jobs(collections, fingerprint, entries, policy)
    listed = {job_id: entry for job_id, entry in entries.items() if job_id not in unlisted}

    def change(_key: str, content: bytes | None) -> bytes:
        return _ENTRIES.dump_json(merged(mergeable(read_document(content, wrong), now_s) if content else {}, listed))

    lost = rewrite(collections.scores, [fingerprint], change, ttl_s=policy.ttl_s, options=collections.cached)
    return not lost and not unlisted


def forget_job(collections: Collections, job_id: str, *, policy: ScorePolicy, now_s: float, wrong: WrongScores) -> int:
    """See ``ScoreStore.forget_job``; entries that no read would have returned are not counted."""
    try:
        found = collections.scores.get(_BY_JOB + job_id, GetOptions(**collections.cached))
    except DocumentNotFoundException:
        return 0
    removed: dict[str, bool] = {}

    def change(fingerprint: str, content: bytes | None) -> bytes | None:
        entries = read_document(content, wrong) if content else {}
        entry = entries.pop(job_id, None)
        removed[fingerprint] = entry is not None and policy.is_live(fingerprint, entry.scored_at, now_s)
        return None if entry is None else _ENTRIES.dump_json(entries)

    fingerprints = _read_list(found.value)
    lost = rewrite(collections.scores, fingerprints, change, ttl_s=policy.ttl_s, options=collections.cached)
    if not lost:
        _remove_list(collections, job_id, found.cas)
    return sum(is_live for fingerprint, is_live in removed.items() if fingerprint not in lost)


def forget_query(collections: Collections, fingerprint: str) -> None:
    """See ``ScoreStore.forget_query``; a merge that is under way loses its compare-and-swap."""
    try:
        collections.scores.remove(fingerprint, RemoveOptions(timeout=collections.cached["timeout"]))
    except DocumentNotFoundException:
        return


def forget_all(collections: Collections, *, policy: ScorePolicy, now_s: float) -> None:
    """See ``ScoreStore.forget_all_scores``: documents stay until they expire, and nobody reads them."""
    options = UpsertOptions(expiry=expiry(_EPOCH_TTL * policy.ttl_s), **collections.cached)
    collections.scores.upsert(_EPOCH, json.dumps(now_s).encode(), options)


def _list_under_jobs(
    collections: Collections, fingerprint: str, entries: Mapping[str, ScoreEntry], policy: ScorePolicy
) -> set[str]:
    def change(key: str, content: bytes | None) -> bytes:
        queries = _read_list(content) if content else {}
        scored_at_s = entries[key.removeprefix(_BY_JOB)].scored_at.timestamp()
        queries[fingerprint] = max(scored_at_s, queries.get(fingerprint, scored_at_s))
        latest = sorted(queries.items(), key=lambda item: item[::-1], reverse=True)[:MAX_QUERIES_PER_JOB]
        return json.dumps(dict(latest), separators=(",", ":")).encode()

    keys = [_BY_JOB + job_id for job_id in entries]
    lost = rewrite(collections.scores, keys, change, ttl_s=policy.ttl_s, options=collections.cached)
    return {key.removeprefix(_BY_JOB) for key in lost}


def _read_list(content: bytes) -> dict[str, float]:
    """What is no list names nothing: entries that only it named are found by their item version alone."""
    try:
        return _LISTS.validate_json(content)
    except ValidationError:
        return {}


def _remove_list(collections: Collections, job_id: str, cas: int) -> None:
    try:
        collections.scores.remove(_BY_JOB + job_id, RemoveOptions(cas=cas, timeout=collections.cached["timeout"]))
    except (CASMismatchException, DocumentNotFoundException):
        # Another query was listed meanwhile: the list stays, what it names twice costs a look-up.
        return
