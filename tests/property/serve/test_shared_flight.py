"""Several scorers and one lease store, in any order of steps: each call ends in time, with scores of its own versions.

Time is the test's. Processes die with their leases, items are edited, and the store fails in between.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from schemas.api import TrafficClass
from schemas.deadline import Deadline
from schemas.documents import ScoreEntry
from schemas.errors import BackendUnavailable
from serve.cache import ScoreCache
from serve.candidates import Item
from serve.cost import CostModel
from serve.flight import ModelScore
from serve.ranking import Ranked
from serve.refresh import entries_of
from serve.shared_flight import Joined, SharedFlight, SharedFlightLimits
from serve.telemetry import Telemetry
from store.memory import MemoryStore
from tests.doubles.clock import ManualClock
from tests.property.serve.mutants import assert_caught
from tests.property.serve.turnstile import Turnstile, settle

_JOBS = ("job-a", "job-b")
_QUERY = "0" * 64
_MAX_WAIT_S = 1.0
_SETTINGS = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class LeaseStore(MemoryStore):
    """Every operation waits for the test; one of a dead process fails."""

    def __init__(self, clock: ManualClock, turnstile: Turnstile) -> None:
        super().__init__(clock=clock)
        self._turnstile = turnstile
        self.is_failing = False

    async def _turn(self, operation: str) -> None:
        await self._turnstile.stop()
        if self.is_failing:
            raise BackendUnavailable("away", backend="store", operation=operation)


class NeverEndingLeases(LeaseStore):
    """Whoever leads leads for ever."""

    async def lead(
        self, fingerprint: str, item_versions: Sequence[str], *, holder: str, ttl_s: float
    ) -> dict[str, float]:
        del ttl_s
        return await super().lead(fingerprint, item_versions, holder=holder, ttl_s=1e9)


@dataclass
class Sleeper:
    """Waits on the test's clock, and remembers how late the call could be told to wait."""

    clock: ManualClock
    waiting: list[tuple[float, asyncio.Event]] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        self.waiting.append((self.clock.now_s + seconds, event))
        await event.wait()

    def wake(self) -> None:
        for wake_at_s, event in self.waiting:
            if wake_at_s <= self.clock.now_s:
                event.set()
        self.waiting = [(at_s, event) for at_s, event in self.waiting if at_s > self.clock.now_s]


@dataclass(eq=False)
class Sent:
    items: Sequence[Item]
    task: "asyncio.Task[Joined]"
    sent_s: float


class Processes(RuleBasedStateMachine):
    """Three scorers that share a store."""

    store_type: type[LeaseStore] = LeaseStore
    cache_type: type[ScoreCache] = ScoreCache
    max_wait_s: float = _MAX_WAIT_S

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.turnstile = Turnstile()
        self.sleeper = Sleeper(self.clock)
        self.store = self.store_type(self.clock, self.turnstile)
        self.num_born = 0
        self.versions = dict.fromkeys(_JOBS, 1)
        self.sent: list[list[Sent]] = [[], [], []]
        self.flights = [self._born() for _ in self.sent]

    def _born(self) -> tuple[SharedFlight, ScoreCache]:
        self.num_born += 1
        telemetry = Telemetry()
        cache = self.cache_type(
            self.store, ttl_s=900, budget_s=3600, max_writes=100, telemetry=telemetry, now=self.clock.now
        )
        # Budgets are of real time and longer than any example: the test's clock alone decides.
        limits = SharedFlightLimits(lease_s=5.0, budget_s=3600, min_s=0.02, max_wait_s=self.max_wait_s, share=1.0)
        flight = SharedFlight(
            self.store,
            cache,
            limits,
            holder=f"process-{self.num_born}",
            telemetry=telemetry,
            clock=self.clock,
            sleep=self.sleeper.sleep,
        )
        return flight, cache

    def _run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    async def _rank(self, items: Sequence[Item]) -> Ranked:
        await self.turnstile.stop()
        ranked = Ranked()
        for item in items:
            ranked.scores[item.version] = score = ModelScore(_score(item), "r1", self.clock.now())
            ranked.led[item.version] = future = self.loop.create_future()
            future.set_result(score)
        await self.turnstile.stop()
        return ranked

    async def _call(self, flight: SharedFlight, cache: ScoreCache, items: Sequence[Item]) -> Joined:
        deadline, kind = Deadline.after(36_000), TrafficClass.INTERACTIVE
        joined = await flight.rank(
            _QUERY, items, self._rank, cost=CostModel(1_000), deadline=deadline, traffic_class=kind
        )
        write = cache.write_later(_QUERY, entries_of(joined.ranked, items, "r1")) if joined.ranked.led else None
        flight.release(_QUERY, joined.led, after=write)
        return joined

    @rule(job_id=st.sampled_from(_JOBS))
    def edit(self, job_id: str) -> None:
        self.versions[job_id] += 1

    @rule(process=st.integers(0, 2), job_ids=st.lists(st.sampled_from(_JOBS), min_size=1, max_size=2, unique=True))
    def send(self, process: int, job_ids: list[str]) -> None:
        items = [_item(job_id, self.versions[job_id]) for job_id in job_ids]
        task = self.loop.create_task(self._call(*self.flights[process], items))
        self.sent[process].append(Sent(items, task, self.clock.now_s))
        self._run(settle())

    @rule(process=st.integers(0, 2))
    def die(self, process: int) -> None:
        """No lease is released: what the dying process still asks of the store never comes there."""
        for sent in self.sent[process]:
            sent.task.cancel()
        self._run(settle())
        self._run(self.flights[process][0].close())
        self.sent[process] = []
        self.flights[process] = self._born()

    @precondition(lambda self: self.turnstile.num_waiting)
    @rule(data=st.data(), is_failing=st.booleans())
    def let_one_step_on(self, data: st.DataObject, is_failing: bool) -> None:
        self.store.is_failing = is_failing
        self.turnstile.release(data.draw(st.integers(0, self.turnstile.num_waiting - 1)))
        self._run(settle())
        self.store.is_failing = False

    @rule(seconds=st.sampled_from([0.03, 0.3, 6.0]))
    def let_time_pass(self, seconds: float) -> None:
        self._let_all_finish()
        self.clock.advance(seconds)
        self.sleeper.wake()
        self._run(settle())

    def _let_all_finish(self) -> None:
        while self.turnstile.num_waiting:
            self.turnstile.release(0)
            self._run(settle())

    @invariant()
    def calls_end_in_time_with_their_own_scores(self) -> None:
        for calls in self.sent:
            for sent in [sent for sent in calls if sent.task.done()]:
                calls.remove(sent)
                self._check(sent)

    def _check(self, sent: Sent) -> None:
        joined = sent.task.result()
        for item in sent.items:
            found, scored = joined.found.get(item.job_id or ""), joined.ranked.scores.get(item.version)
            assert (found is None) != (scored is None), "no score, or two"
            value = found.score if found is not None else scored.value if scored is not None else None
            assert value == _score(item), "the score of another item version"

    def teardown(self) -> None:
        try:
            # Longer than any wait, in steps that are shorter than the last pause: nobody computes any more.
            for _ in range(30):
                self.let_time_pass(0.1)
            self._let_all_finish()
            self.calls_end_in_time_with_their_own_scores()
            assert not any(self.sent), "a call waits beyond its bound"
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self._run(settle())
            for task in asyncio.all_tasks(self.loop):  # the releases of what was cancelled
                task.cancel()
            self._run(settle())
            self.loop.close()


def _item(job_id: str, version: int) -> Item:
    return Item(job_id, "", "", f"{job_id} {version}", tuple(range(60)), None)


def _score(item: Item) -> float:
    return 1 / (1 + sum(item.version.encode()) % 97)


@pytest.mark.parametrize("store_type", [LeaseStore, NeverEndingLeases])
def test_in_any_order_each_call_ends_in_time_with_its_own_scores(store_type: type[LeaseStore]):
    """Also where leases of the dead never end: waiting is bounded by the one who waits."""
    run_state_machine_as_test(type("Case", (Processes,), {"store_type": store_type}), settings=_SETTINGS)


class _AnyVersion(ScoreCache):
    def _accepts(self, entry: ScoreEntry, item_version: str, now: Any) -> bool:
        del entry, item_version, now
        return True


@pytest.mark.parametrize(
    ("parts", "symptom"),
    [
        ({"cache_type": _AnyVersion}, "another item version"),
        ({"store_type": NeverEndingLeases, "max_wait_s": math.inf}, "beyond its bound"),
    ],
    ids=["follower-takes-any-version", "lease-without-end-and-wait-without-bound"],
)
def test_mutants_are_caught(parts: dict[str, Any], symptom: str):
    """The test above fails where the check, or the bound, is missing."""
    assert_caught(type("Mutant", (Processes,), parts), symptom, of=_SETTINGS)
