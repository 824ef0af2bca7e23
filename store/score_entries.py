"""Reading cached scores that may hold anything: what is no entry is a miss and is counted, never an error.

A cache is written by other builds, mended by hand and restored from elsewhere; a call must not fail for it.
"""

import json
import threading
from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter, ValidationError

from schemas.documents import ScoreEntry
from store.score_policy import ScorePolicy, is_ahead

__all__ = ["WrongScores", "mergeable", "read_document", "read_entry", "servable"]

_DOCUMENT = TypeAdapter(dict[str, ScoreEntry])


class WrongScores:
    """How many wrong entries and documents were met; counted on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.number = 0

    def add(self, number: int) -> None:
        """So many more."""
        if number:
            with self._lock:
                self.number += number


def read_entry(raw: object) -> ScoreEntry | None:
    """One entry; None where it is none: a wrong shape, a score outside [0, 1], a time without a zone."""
    try:
        return ScoreEntry.model_validate(raw)
    except (ValidationError, OverflowError):
        return None


def read_document(content: bytes, wrong: WrongScores) -> dict[str, ScoreEntry]:
    """The entries of one query by job id; those that are wrong are left out, all of them where it is no document."""
    try:
        return _DOCUMENT.validate_json(content)
    except ValidationError:  # rare, so only then one by one
        pass
    try:
        loose = json.loads(content)
    except (ValueError, RecursionError):
        loose = None
    if not isinstance(loose, dict):
        wrong.add(1)
        return {}
    entries = {job_id: entry for job_id, raw in loose.items() if (entry := read_entry(raw)) is not None}
    wrong.add(len(loose) - len(entries))
    return entries


def mergeable(stored: Mapping[str, ScoreEntry], now_s: float) -> dict[str, ScoreEntry]:
    """What a merge may weigh new entries against: a time that lies ahead would win over all that come."""
    return {job_id: entry for job_id, entry in stored.items() if not is_ahead(entry.scored_at, now_s)}


def servable(
    fingerprint: str,
    entries: Mapping[str, ScoreEntry],
    job_ids: Iterable[str],
    *,
    policy: ScorePolicy,
    now_s: float,
    scored_from_s: float,
    wrong: WrongScores,
) -> dict[str, ScoreEntry]:
    """The entries of these jobs that are of this epoch and young enough; times that lie ahead are wrong."""
    found = {job_id: entry for job_id in job_ids if (entry := entries.get(job_id)) is not None}
    ahead = {job_id for job_id, entry in found.items() if is_ahead(entry.scored_at, now_s)}
    wrong.add(len(ahead))
    return {
        job_id: entry
        for job_id, entry in found.items()
        if job_id not in ahead
        and policy.is_live(fingerprint, entry.scored_at, now_s)
        and entry.scored_at.timestamp() >= scored_from_s
    }
