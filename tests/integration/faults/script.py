"""A workload that a test writes itself, move by move, for the harness's log, oracle and settlement."""

import random
from datetime import UTC, datetime

from ops.chaos.records import Gone, Meaning, Planned, Put
from ops.chaos.texts import long_body, posting_of
from schemas.events import Delete, Upsert, encode_update

__all__ = ["Script"]

_EVENT_TIME = datetime(2026, 1, 1, tzinfo=UTC)


class Script:
    """Stands in for ``ops.chaos.workload.Workload`` where a test must know which record does what.

    Attributes:
        planned: Every record so far.
        job_ids: Every job so far.
    """

    def __init__(self) -> None:
        self.planned: list[Planned] = []
        self.job_ids: list[str] = []
        self._rng = random.Random(4)
        self._versions: dict[str, int] = {}
        self._bodies: dict[str, str] = {}

    def put(self, job_id: str) -> list[Planned]:
        """The next version, with a new body that a model must summarise and that names the job."""
        self._bodies[job_id] = f"{long_body(self._rng, len(self.planned))}\n- apply for {job_id}"
        return self._say(job_id, Put(self._next(job_id), self._posting(job_id)))

    def delete(self, job_id: str) -> list[Planned]:
        """The next version is a deletion."""
        return self._say(job_id, Gone(self._next(job_id)))

    def touch(self, job_id: str) -> Planned:
        """The next version changes the header alone."""
        (record,) = self._say(job_id, Put(self._next(job_id), self._posting(job_id)))
        return record

    def _posting(self, job_id: str) -> dict[str, object]:
        return posting_of(self._rng, f"Cook level {len(self.planned)}", self._bodies[job_id])

    def _next(self, job_id: str) -> int:
        if job_id not in self._versions:
            self.job_ids.append(job_id)
        self._versions[job_id] = self._versions.get(job_id, 0) + 1
        return self._versions[job_id]

    def _say(self, job_id: str, meaning: Meaning) -> list[Planned]:
        match meaning:
            case Put(version, posting):
                update = Upsert(job_id=job_id, version=version, event_time=_EVENT_TIME, posting=posting)
            case Gone(version):
                update = Delete(job_id=job_id, version=version, event_time=_EVENT_TIME)
        key, value = encode_update(update)
        self.planned.append(Planned(len(self.planned), "script", job_id, meaning, key, value))
        return [self.planned[-1]]
