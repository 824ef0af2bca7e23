"""Rules of the score cache that all adapters share: which of two entries stays, how many are kept, when one is too old.

Pure functions of their arguments. Jitter is a function of the query, not of chance: adapters and processes agree on it,
and queries that were cached in one burst still do not expire in one moment.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.documents import ScoreEntry
from schemas.errors import ConfigurationError

__all__ = [
    "MAX_AHEAD_S",
    "MAX_ENTRIES_PER_QUERY",
    "MAX_QUERIES_PER_JOB",
    "ScorePolicy",
    "is_ahead",
    "merged",
    "precedence",
]

MAX_ENTRIES_PER_QUERY = 1_000
"""Cached entries of one query fingerprint; the latest scored stay."""

MAX_QUERIES_PER_JOB = 1_000
"""Query fingerprints that one job is listed under; the latest scored stay."""


MAX_AHEAD_S = 60.0
"""How far clocks of machines may differ, in seconds: what was scored later than that from now is wrong."""


@dataclass(frozen=True, slots=True)
class ScorePolicy:
    """How long a cached score may be served.

    Attributes:
        ttl_s: Longest life of an entry after it was scored, in seconds.
        jitter: Share of ``ttl_s``, from 0 to 1, by which a query's entries may expire earlier.
    """

    ttl_s: float = 900.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        if not self.ttl_s > 0 or not 0 <= self.jitter <= 1:
            raise ConfigurationError(
                f"score cache: ttl_s {self.ttl_s!r} must be above 0 and jitter {self.jitter!r} from 0 to 1"
            )

    def life_s(self, fingerprint: str) -> float:
        """Seconds that entries of this query live after they were scored."""
        share = zlib.crc32(fingerprint.encode()) / 2**32
        return self.ttl_s * (1 - self.jitter * share)

    def is_live(self, fingerprint: str, scored_at: datetime, now_s: float) -> bool:
        """Whether an entry may still be served at ``now_s``, seconds since the epoch."""
        return now_s < scored_at.timestamp() + self.life_s(fingerprint)


def is_ahead(scored_at: datetime, now_s: float) -> bool:
    """Whether the time of a score lies further ahead of ``now_s`` than clocks differ: it would live for too long."""
    return scored_at.timestamp() > now_s + MAX_AHEAD_S


def precedence(entry: ScoreEntry) -> tuple[datetime, str, float]:
    """Order between entries of one job: the later scored wins; the rest makes it a total order, so writers commute."""
    return entry.scored_at, entry.item_version, entry.score


def merged(stored: Mapping[str, ScoreEntry], entries: Mapping[str, ScoreEntry]) -> dict[str, ScoreEntry]:
    """The entries of one query after a merge, by job id: the later scored of each job, the latest 1,000 of all."""
    union = dict(stored)
    for job_id, entry in entries.items():
        if job_id not in union or precedence(entry) > precedence(union[job_id]):
            union[job_id] = entry
    if len(union) <= MAX_ENTRIES_PER_QUERY:
        return union
    kept = _latest(((entry.scored_at, job_id) for job_id, entry in union.items()), MAX_ENTRIES_PER_QUERY)
    return {job_id: union[job_id] for _, job_id in kept}


def _latest(keys: Iterable[tuple[datetime, str]], limit: int) -> list[tuple[datetime, str]]:
    return sorted(keys, reverse=True)[:limit]
