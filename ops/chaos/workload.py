"""The stream of updates of one segment: moves of some hundred jobs, reproducible from the seed alone. Pure.

A move makes one to a dozen records that belong together. Versions leave gaps, so that a late version can be one that
nobody published before. Some jobs are *hot* for a while: moves prefer them, so that versions of one job meet; then they
are left alone, so that no later update covers up what went wrong.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.chaos.records import Broken, Erased, Gone, Meaning, Planned, Put
from ops.chaos.texts import long_body, posting_of, short_body, title_of
from schemas.events import MAX_RECORD_BYTES, Delete, Upsert, encode_update

__all__ = ["Workload"]

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_SHORT_SHARE = 0.1
_HOT_SHARE = 0.6
_HOT_MOVES = 30
_BURST = 10
_BURST_SPREAD = 3
_NUM_OVERSIZED = 1  # a segment: the embedded broker keeps 5 MiB a partition


@dataclass(slots=True)
class _Job:
    job_id: str
    version: int = 0
    title: str = ""
    body: str = ""
    is_live: bool = False
    taken: set[int] = field(default_factory=set)
    published: list[Put] = field(default_factory=list)


class Workload:
    """Iterate over its records with :meth:`records`; the same arguments, the same records."""

    def __init__(self, seed: int, *, name: str, num_jobs: int) -> None:
        """Plan nothing yet.

        Args:
            seed: Of everything random.
            name: Prefix of job ids; segments that share a store must differ in it.
            num_jobs: How many jobs.
        """
        self._rng = random.Random(seed)
        self._jobs = [_Job(f"{name}-{number}") for number in range(num_jobs)]
        self._num_hot = max(1, num_jobs // 24)
        self._seq = 0
        self._reference = 0
        self._num_oversized = 0
        self._num_moves = 0
        self.planned: list[Planned] = []
        self._moves: dict[Callable[[_Job], None], int] = {
            self._edit: 30,
            self._edit_header: 10,
            self._edit_both: 5,
            self._repeat: 15,
            self._duplicate: 8,
            self._reorder: 8,
            self._late: 6,
            self._delete: 6,
            self._delete_tie: 2,
            self._late_delete: 2,
            self._tombstone: 6,
            self._tombstone_and_back: 5,
            self._repost: 6,
            self._burst: 2,
            self._conflict: 2,
            self._poison: 6,
        }

    @property
    def job_ids(self) -> list[str]:
        """All jobs, also those that no record was made for yet."""
        return [job.job_id for job in self._jobs]

    def records(self) -> Iterator[list[Planned]]:
        """Moves without end; each is the records that it made, in order."""
        moves, weights = list(self._moves), list(self._moves.values())
        while True:
            start = len(self.planned)
            job = self._choose()
            move = self._rng.choices(moves, weights)[0]
            if not job.is_live and move not in {self._poison, self._late, self._tombstone, self._late_delete}:
                move = self._repost if job.taken else self._create
            move(job)
            if len(self.planned) > start:
                yield self.planned[start:]

    def touch(self, job_id: str) -> Planned:
        """A header-only edit of a live job: what mends a fallback where no lane did."""
        job = next(job for job in self._jobs if job.job_id == job_id)
        self._edit_header(job, move="touch")
        return self.planned[-1]

    def _choose(self) -> _Job:
        self._num_moves += 1
        if self._rng.random() >= _HOT_SHARE:
            return self._rng.choice(self._jobs)
        first = self._num_moves // _HOT_MOVES * self._num_hot
        return self._jobs[(first + self._rng.randrange(self._num_hot)) % len(self._jobs)]

    # --- moves -----------------------------------------------------------------------------------------------------

    def _create(self, job: _Job) -> None:
        job.title, job.body = title_of(self._rng), self._new_body()
        self._put(job, "create")

    def _edit(self, job: _Job) -> None:
        job.body = self._new_body()
        self._put(job, "edit")

    def _edit_header(self, job: _Job, *, move: str = "edit_header") -> None:
        job.title = title_of(self._rng)
        self._put(job, move)

    def _edit_both(self, job: _Job) -> None:
        job.title, job.body = title_of(self._rng), self._new_body()
        self._put(job, "edit_both")

    def _repeat(self, job: _Job) -> None:
        """The posting as it stands, under a higher version: most of what publishers send."""
        standing = next(put for put in reversed(job.published) if put.version == job.version)
        job.version = self._next_version(job)
        self._say(job, "repeat", Put(job.version, standing.posting))

    def _duplicate(self, job: _Job) -> None:
        self._say(job, "duplicate", self._rng.choice(job.published[-3:]))

    def _reorder(self, job: _Job) -> None:
        first = self._next_version(job)
        second = first + self._rng.randint(1, 3)
        later, earlier = self._new_body(), self._new_body()
        job.version, job.body = second, later
        self._say(job, "reorder", Put(second, posting_of(self._rng, job.title, later)))
        self._say(job, "reorder", Put(first, posting_of(self._rng, job.title, earlier)))

    def _late(self, job: _Job) -> None:
        free = [version for version in range(1, job.version) if version not in job.taken]
        if free:
            posting = posting_of(self._rng, title_of(self._rng), self._new_body())
            self._say(job, "late", Put(self._rng.choice(free[-5:]), posting))

    def _delete(self, job: _Job) -> None:
        job.version, job.is_live = self._next_version(job), False
        self._say(job, "delete", Gone(job.version))

    def _delete_tie(self, job: _Job) -> None:
        job.is_live = False
        self._say(job, "delete_tie", Gone(job.version))

    def _late_delete(self, job: _Job) -> None:
        if job.version > 1:
            self._say(job, "late_delete", Gone(self._rng.randint(1, job.version - 1)))

    def _tombstone(self, job: _Job) -> None:
        job.is_live = False
        self._say(job, "tombstone", Erased())

    def _tombstone_and_back(self, job: _Job) -> None:
        """What a rewind must not undo: the posting came back behind the tombstone."""
        self._tombstone(job)
        self._put(job, "back")

    def _repost(self, job: _Job) -> None:
        if not job.published or self._rng.random() < 1 / 3:
            job.title, job.body = title_of(self._rng), self._new_body()
        elif job.version and self._rng.random() < 1 / 4:
            # An upsert at the version of the deletion: the deletion wins.
            self._say(job, "repost_tie", Put(job.version, posting_of(self._rng, job.title, self._new_body())))
        self._put(job, "repost")

    def _burst(self, job: _Job) -> None:
        for _ in range(self._rng.randint(_BURST - _BURST_SPREAD, _BURST + _BURST_SPREAD)):
            self._edit(job)

    def _conflict(self, job: _Job) -> None:
        """Another posting under the version before it; undecodable records keep coalescing from joining the two."""
        self._edit(job)
        self._break(job, "undecodable")
        other = Put(job.version, posting_of(self._rng, job.title, self._new_body()))
        self._say(job, "conflict", other, keep=False)
        self._break(job, "undecodable")

    def _poison(self, job: _Job) -> None:
        reasons = ["undecodable", "no_title", "unknown_op", "unknown_schema", "version_zero", "wrong_key", "no_key"]
        if self._num_oversized < _NUM_OVERSIZED:
            reasons.append("oversized")
        self._break(job, self._rng.choice(reasons))

    # --- records ---------------------------------------------------------------------------------------------------

    def _put(self, job: _Job, move: str) -> None:
        job.version, job.is_live = self._next_version(job), True
        self._say(job, move, Put(job.version, posting_of(self._rng, job.title, job.body)))

    def _next_version(self, job: _Job) -> int:
        return max(job.version, 0, *job.taken) + self._rng.randint(1, 3)

    def _new_body(self) -> str:
        self._reference += 1
        make = short_body if self._rng.random() < _SHORT_SHARE else long_body
        return make(self._rng, self._reference)

    def _say(self, job: _Job, move: str, meaning: Meaning, *, keep: bool = True) -> None:
        if isinstance(meaning, Put | Gone):
            job.taken.add(meaning.version)
        if isinstance(meaning, Put) and keep:
            job.published.append(meaning)
        self._add(move, job.job_id, meaning, job.job_id.encode(), self._value(job.job_id, meaning))

    def _value(self, job_id: str, meaning: Meaning) -> bytes | None:
        at = _EPOCH + timedelta(seconds=self._seq)
        match meaning:
            case Put(version, posting):
                return encode_update(Upsert(job_id=job_id, version=version, event_time=at, posting=posting))[1]
            case Gone(version):
                return encode_update(Delete(job_id=job_id, version=version, event_time=at))[1]
            case _:
                return None

    def _break(self, job: _Job, reason: str) -> None:
        posting = posting_of(self._rng, "Broken", "Broken")
        fields: dict[str, Any] = json.loads(self._value(job.job_id, Put(job.version + 1, posting)) or b"")
        key: bytes | None = job.job_id.encode()
        match reason:
            case "no_title":
                del fields["posting"]["title"]
            case "unknown_op":
                fields["op"] = "merge"
            case "unknown_schema":
                fields["schema"] = "precis.job-update/999"
            case "version_zero":
                fields["version"] = 0
            case "wrong_key":
                fields["job_id"] = self._rng.choice(self._jobs).job_id + "-other"
            case "no_key":
                key = None
            case "oversized":
                self._num_oversized += 1
                fields["posting"]["description"] = "x" * (MAX_RECORD_BYTES + 1)
        value = b"{not json" if reason == "undecodable" else json.dumps(fields).encode()
        self._add(f"poison:{reason}", job.job_id if key else "", Broken(reason), key, value)

    def _add(self, move: str, job_id: str, meaning: Meaning, key: bytes | None, value: bytes | None) -> None:
        self.planned.append(Planned(self._seq, move, job_id, meaning, key, value))
        self._seq += 1
