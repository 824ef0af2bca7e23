"""How many cached scores a job has, on one connection: for inspection, never on the query path."""

import sqlite3

from store.score_policy import ScorePolicy

__all__ = ["count_scores"]

_SCORED_AT = "SELECT fingerprint, scored_at_us FROM scores WHERE job_id = ?"
_US = 1_000_000


def count_scores(connection: sqlite3.Connection, job_id: str, *, policy: ScorePolicy, now_s: float) -> int:
    """See ``ScoreCount.count_scores``."""
    rows = connection.execute(_SCORED_AT, (job_id,)).fetchall()
    return sum(now_s < scored_at_us / _US + policy.life_s(fingerprint) for fingerprint, scored_at_us in rows)
