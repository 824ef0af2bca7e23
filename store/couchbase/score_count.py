"""How many cached scores a job has: its ``by_job`` list, read. Blocks, so it runs on a thread."""

from couchbase.exceptions import DocumentNotFoundException
from couchbase.options import GetOptions
from pydantic import FiniteFloat, TypeAdapter, ValidationError

from store.couchbase.collections import Collections
from store.score_policy import ScorePolicy

__all__ = ["count_scores"]

_LISTS = TypeAdapter(dict[str, FiniteFloat])
_BY_JOB = "by_job:"


def count_scores(collections: Collections, job_id: str, *, policy: ScorePolicy, now_s: float) -> int:
    """See ``ScoreCount.count_scores``: a job is listed under a query before its score is cached there."""
    try:
        found = collections.scores.get(_BY_JOB + job_id, GetOptions(**collections.cached))
    except DocumentNotFoundException:
        return 0
    try:
        listed = _LISTS.validate_json(found.value)
    except ValidationError:  # no list names nothing
        return 0
    return sum(now_s < scored_at_s + policy.life_s(fingerprint) for fingerprint, scored_at_s in listed.items())
