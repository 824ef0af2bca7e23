"""Collection ``scores`` on one connection: a row an entry, so that a merge is an upsert and ``by_job`` an index."""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from schemas.documents import ScoreEntry
from store.score_entries import WrongScores, read_entry, servable
from store.score_policy import MAX_AHEAD_S, MAX_ENTRIES_PER_QUERY, MAX_QUERIES_PER_JOB, ScorePolicy
from store.sqlite.connection import transaction

__all__ = ["delete_expired", "forget_all", "forget_job", "forget_query", "get_scores", "is_cached", "merge_scores"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_GET = """
SELECT scores.job_id, item_version, score, scored_at_us FROM json_each(?) AS wanted
CROSS JOIN scores ON scores.fingerprint = ? AND scores.job_id = wanted.value
WHERE scored_at_us >= (SELECT scored_from_us FROM score_epoch)
"""
# The order of ``score_policy.precedence``: writers commute.
_MERGE = """
INSERT INTO scores (fingerprint, job_id, item_version, score, scored_at_us) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (fingerprint, job_id) DO UPDATE
SET item_version = excluded.item_version, score = excluded.score, scored_at_us = excluded.scored_at_us
WHERE (excluded.scored_at_us, excluded.item_version, excluded.score)
    > (scores.scored_at_us, scores.item_version, scores.score)
"""
_CAP_QUERY = f"""
DELETE FROM scores WHERE fingerprint = ?1 AND job_id IN (
    SELECT job_id FROM scores WHERE fingerprint = ?1
    ORDER BY scored_at_us DESC, job_id DESC LIMIT -1 OFFSET {MAX_ENTRIES_PER_QUERY}
)
"""  # noqa: S608 (constants only)
_FULL_JOBS = f"""
SELECT scores.job_id FROM json_each(?) AS merged CROSS JOIN scores ON scores.job_id = merged.value
GROUP BY scores.job_id HAVING count(*) > {MAX_QUERIES_PER_JOB}
"""  # noqa: S608 (constants only)
_CAP_JOB = f"""
DELETE FROM scores WHERE job_id = ?1 AND fingerprint IN (
    SELECT fingerprint FROM scores WHERE job_id = ?1
    ORDER BY scored_at_us DESC, fingerprint DESC LIMIT -1 OFFSET {MAX_QUERIES_PER_JOB}
)
"""  # noqa: S608 (constants only)


def get_scores(
    connection: sqlite3.Connection,
    fingerprint: str,
    job_ids: Sequence[str],
    *,
    policy: ScorePolicy,
    now_s: float,
    wrong: WrongScores,
) -> dict[str, ScoreEntry]:
    """See ``ScoreStore.get_scores``."""
    rows = connection.execute(_GET, (json.dumps(list(dict.fromkeys(job_ids))), fingerprint)).fetchall()
    entries = {job_id: entry for job_id, *values in rows if (entry := _entry(*values))}
    wrong.add(len(rows) - len(entries))
    return servable(fingerprint, entries, entries, policy=policy, now_s=now_s, scored_from_s=-math.inf, wrong=wrong)


def _entry(item_version: str, score: float, scored_at_us: int) -> ScoreEntry | None:
    try:
        scored_at = _from_us(scored_at_us)
    except OverflowError:  # no year that there is
        return None
    return read_entry({"item_version": item_version, "score": score, "scored_at": scored_at})


def merge_scores(
    connection: sqlite3.Connection, fingerprint: str, entries: Mapping[str, ScoreEntry], *, now_s: float
) -> None:
    """See ``ScoreStore.merge_scores``. One transaction, so there is nothing to lose and try again."""
    with transaction(connection):
        # A time that lies ahead would win over all that come.
        ahead_us = int((now_s + MAX_AHEAD_S) * 1_000_000)
        connection.execute("DELETE FROM scores WHERE fingerprint = ? AND scored_at_us > ?", (fingerprint, ahead_us))
        connection.executemany(_MERGE, _rows(fingerprint, entries))
        connection.execute(_CAP_QUERY, (fingerprint,))
        full_jobs = connection.execute(_FULL_JOBS, (json.dumps(list(entries)),)).fetchall()
        connection.executemany(_CAP_JOB, full_jobs)


def is_cached(connection: sqlite3.Connection, job_id: str) -> bool:
    """Whether any entry of the job is there, expired or not."""
    return connection.execute("SELECT 1 FROM scores WHERE job_id = ? LIMIT 1", (job_id,)).fetchone() is not None


def forget_job(connection: sqlite3.Connection, job_id: str, *, policy: ScorePolicy, now_s: float) -> int:
    """See ``ScoreStore.forget_job``; entries that no read would have returned are not counted."""
    rows = connection.execute(
        "DELETE FROM scores WHERE job_id = ? RETURNING fingerprint, scored_at_us", (job_id,)
    ).fetchall()
    return sum(now_s < scored_at_us / 1_000_000 + policy.life_s(fingerprint) for fingerprint, scored_at_us in rows)


def forget_query(connection: sqlite3.Connection, fingerprint: str) -> None:
    """See ``ScoreStore.forget_query``."""
    connection.execute("DELETE FROM scores WHERE fingerprint = ?", (fingerprint,))


def forget_all(connection: sqlite3.Connection, *, now_s: float) -> None:
    """See ``ScoreStore.forget_all_scores``: the rows, and the epoch for what was scored before and comes later."""
    with transaction(connection):
        now_us = int(now_s * 1_000_000)
        connection.execute("UPDATE score_epoch SET scored_from_us = max(scored_from_us, ?)", (now_us,))
        connection.execute("DELETE FROM scores WHERE scored_at_us < (SELECT scored_from_us FROM score_epoch)")


def delete_expired(connection: sqlite3.Connection, *, policy: ScorePolicy, now_s: float) -> int:
    """Remove what is older than any entry may get.

    Returns:
        How many entries were removed.
    """
    oldest_us = int((now_s - policy.ttl_s) * 1_000_000)
    return connection.execute("DELETE FROM scores WHERE scored_at_us <= ?", (oldest_us,)).rowcount


def _rows(fingerprint: str, entries: Mapping[str, ScoreEntry]) -> Iterator[tuple[str, str, str, float, int]]:
    for job_id, entry in entries.items():
        # Whole microseconds, as datetime has them: exact both ways.
        scored_at_us = (entry.scored_at - _EPOCH) // _MICROSECOND
        yield fingerprint, job_id, entry.item_version, entry.score, scored_at_us


def _from_us(scored_at_us: int) -> datetime:
    return _EPOCH + scored_at_us * _MICROSECOND
