"""What ``bounded`` promises, against every order of writes, late publications, silence and restarts of the feeder."""

import asyncio
import math
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

import serve.near_cache.feed
import serve.near_cache.file
import serve.reading
from schemas.api import Consistency
from schemas.deadline import Deadline
from schemas.documents import State, SummaryDocument
from serve.calls import Call
from serve.near_cache.config import NearCacheConfig
from serve.near_cache.service import NearCache
from serve.reading import Reading
from serve.telemetry import Telemetry
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of
from tests.doubles.summary_log import Gate, ManualMoments, SteppedChangelog, SummaryLog
from tests.property.serve.mutants import assert_caught

_JOBS = ("job-a", "job-b", "job-c")
_SETTINGS = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@dataclass
class _History:
    """Of one job: what was published when, oldest first."""

    documents: list[SummaryDocument] = field(default_factory=list)
    published_s: list[float] = field(default_factory=list)

    def oldest_allowed(self, before_s: float) -> int:
        """Rev of the last document published before then; -1 where there was none."""
        pairs = zip(self.documents, self.published_s, strict=True)
        return max((document.rev for document, at_s in pairs if at_s < before_s), default=-1)


class Bounded(RuleBasedStateMachine):
    """One machine with a near-cache; a feeder that is let go on step by step, by a broker that may not answer."""

    is_scanned = False

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.moments, self.log, self.store = ManualMoments(), SummaryLog(), MemoryStore()
        self.history = {job_id: _History() for job_id in _JOBS}
        self.seen: dict[str, int] = {}
        self.nulled: set[str] = set()
        self.num_bounded = 0
        self.runner.run(self._start())

    def teardown(self) -> None:
        """Stop the feeder and forget the file."""
        self.runner.run(self.near.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    async def _start(self) -> None:
        self.gate = Gate()
        config = NearCacheConfig(
            path=self.folder / "near-cache.sqlite",
            bootstrap_servers="",
            log_id="log",
            topic="job-summaries",
            retry_s=0.0,
            watch_s=3_600.0,
        )

        async def open_changelog() -> SteppedChangelog:
            await self.gate.park("open")
            return SteppedChangelog(self.log, self.gate, batch_size=1)

        telemetry = Telemetry()
        self.near = NearCache(
            config,
            prompt_digest="digest",
            tokenise=lambda header, summary: [len(header), len(summary)],
            scannable=self.store if self.is_scanned else None,
            telemetry=telemetry,
            open_changelog=open_changelog,
            now=self.moments,
        )
        self.reading = Reading(self.store, self.near, max_lag_s=2.0, telemetry=telemetry, now=lambda: datetime.now(UTC))
        self.near.start()

    @rule(job_id=st.sampled_from(_JOBS), is_deletion=st.booleans())
    def write(self, job_id: str, is_deletion: bool) -> None:
        """Store a document and publish it."""
        self.runner.run(self._write(job_id, is_deletion))

    async def _write(self, job_id: str, is_deletion: bool) -> None:
        stored = await self.store.get(job_id)
        rev = stored.document.rev + 1 if stored else 1
        document = summary_of(job_id, f"v{rev}", rev=rev, state=State.DELETED if is_deletion else State.FRESH)
        await self.store.put(document, cas=stored.cas if stored else None)
        self.log.publish(job_id, document)
        self.nulled.discard(job_id)
        self.history[job_id].documents.append(document)
        self.history[job_id].published_s.append(self.moments.boot_s)

    @rule(job_id=st.sampled_from(_JOBS), data=st.data())
    def publish_late(self, job_id: str, data: st.DataObject) -> None:
        """A worker that was stopped publishes what it had in hand; not 30 days later, behind the null."""
        documents = self.history[job_id].documents
        if documents and job_id not in self.nulled:
            self.log.publish(job_id, data.draw(st.sampled_from(documents)))

    @rule(job_id=st.sampled_from(_JOBS), is_back=st.booleans())
    def publish_null(self, job_id: str, is_back: bool) -> None:
        """An expired deletion's null; or one that met a re-post, which is published again behind it."""
        documents = self.history[job_id].documents
        if documents and (is_back or documents[-1].is_deleted):
            self.log.publish(job_id, None)
            if is_back:
                self.log.publish(job_id, documents[-1])
            else:
                self.nulled.add(job_id)
            self.seen.pop(job_id, None)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, whatever stands where."""
        self.moments.advance(seconds)

    @rule(num_steps=st.integers(1, 12))
    def feed(self, num_steps: int) -> None:
        """The broker answers so many of the feeder's calls."""
        for _ in range(num_steps):
            self.runner.run(self.gate.step())

    @rule()
    def fail(self) -> None:
        """The broker lets one call fail."""
        self.runner.run(self.gate.step(answers=False))

    @rule()
    def restart(self) -> None:
        """The feeder's process ends, and another one takes over."""
        self.runner.run(self.near.close())
        self.runner.run(self._start())

    @precondition(lambda self: any(history.documents for history in self.history.values()))
    @rule(max_lag_s=st.sampled_from([0.2, 1.0, 5.0]))
    def read(self, max_lag_s: float) -> None:
        """A bounded call is answered no older than its bound, and than the lag that it is told."""
        self.runner.run(self._read(max_lag_s))

    async def _read(self, max_lag_s: float) -> None:
        now_s = self.moments.boot_s
        rows, _ = await self.near.read(_JOBS)
        call = Call(
            query="nurse",
            candidates=_JOBS,
            deadline=Deadline.after(60.0),
            depth_max=10,
            consistency=Consistency.BOUNDED,
            max_lag_s=max_lag_s,
        )
        read = await self.reading.read(_JOBS, call)
        lag_s = read.freshness.lag_s
        for job_id, history in self.history.items():
            rev = getattr(read.documents.get(job_id), "rev", -1)
            assert rev >= history.oldest_allowed(now_s - max_lag_s), f"older than the bound: {job_id}"
            if lag_s is None:
                assert rev >= history.oldest_allowed(math.inf), f"not strict: {job_id}"
            else:
                assert rev >= history.oldest_allowed(now_s - lag_s), f"older than the lag says: {job_id}"
            if (row := rows.get(job_id)) and lag_s is not None:
                assert row.rev >= self.seen.get(job_id, -1), f"a lower rev than before: {job_id}"
                self.seen[job_id] = row.rev
                assert (row.summary == f"v{row.rev}") is not row.is_deleted
        self.num_bounded += lag_s is not None


class BoundedFromStore(Bounded):
    """The same where the file is built from a scan of the store."""

    is_scanned = True


@pytest.mark.parametrize("machine", [Bounded, BoundedFromStore])
def test_no_bounded_answer_is_older_than_its_bound(machine: Any):
    """In any order of events; rows never go back."""
    run_state_machine_as_test(machine, settings=_SETTINGS)


@pytest.mark.parametrize(
    ("module", "function", "broken", "symptom"),
    [
        (serve.reading, "why_strict", lambda lag_s, max_lag_s: None, "older than the bound"),
        (serve.near_cache.file, "changes", lambda records, stored_revs: dict(records), "a lower rev|older than"),
        (serve.near_cache.feed, "is_caught_up", lambda offsets, ends: True, "older than"),
    ],
    ids=["bounded-ignores-lag", "lower-revs-apply", "caught-up-before-the-end"],
)
def test_mutants_are_caught(monkeypatch, module, function: str, broken, symptom: str):
    """The test above fails on a near-cache that lacks the check: it can see what it is there for."""
    monkeypatch.setattr(module, function, broken)
    assert_caught(Bounded, symptom, of=_SETTINGS)


async def test_the_near_cache_does_answer():
    """The machine's reads are not all strict ones."""
    machine = await asyncio.to_thread(_fed_machine)
    assert machine.num_bounded == 1


def _fed_machine() -> Bounded:
    machine = Bounded()
    machine.write("job-a", False)
    machine.feed(12)
    machine.read(1.0)
    machine.teardown()
    return machine
