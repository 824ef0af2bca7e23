"""Offsets never commit past an unfinished record: the bookkeeping of one partition, and the lanes that drive it."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from schemas.errors import Overloaded
from stream.lanes import Lanes, one_by_one
from stream.pause import Pause
from stream.progress import OpenRecord, PartitionProgress
from stream.slots import Slots
from stream.source import Record
from tests.property.stream.logs import RUNS

_TIME = datetime(2026, 1, 1, tzinfo=UTC)
REBALANCE = 7
"""A choice of the test: partitions are revoked and assigned again; lower ones pick the handler that ends."""


class ProgressMachine(RuleBasedStateMachine):
    """Deliver with gaps, finish in any order, commit, drop; the model is two sets."""

    records: Bundle[OpenRecord] = Bundle("records")

    def __init__(self) -> None:
        super().__init__()
        self.progress = PartitionProgress()
        self.last_offset = 9
        self.delivered: list[OpenRecord] = []
        self.finished: set[int] = set()
        self.num_closed = 0

    @rule(target=records, gap=st.integers(1, 3))
    @precondition(lambda self: self.progress.is_live)
    def deliver(self, gap: int) -> OpenRecord:
        self.last_offset += gap
        record = self.progress.add(self.last_offset)
        self.delivered.append(record)
        return record

    @rule(record=records)
    def finish(self, record: OpenRecord) -> None:
        if record.offset in self.finished:
            return
        self.finished.add(record.offset)
        self.num_closed += self.progress.finish(record)

    @rule()
    @precondition(lambda self: self.progress.is_live and self.delivered)
    def drop(self) -> None:
        before = self.progress.next_offset
        self.num_closed += self.progress.drop()
        assert self.num_closed == len(self.delivered)
        for record in self.delivered:
            assert self.progress.finish(record) == 0
        assert self.progress.next_offset == before
        self.finished.update(record.offset for record in self.delivered)

    @invariant()
    def nothing_unfinished_is_passed(self) -> None:
        committable = self.progress.next_offset
        if committable is not None and self.progress.is_live:
            passed = [record.offset for record in self.delivered if record.offset < committable]
            assert self.finished.issuperset(passed)

    @invariant()
    def the_longest_finished_prefix_is_passed(self) -> None:
        if not self.progress.is_live:
            return
        expected = None
        for record in self.delivered:
            if record.offset not in self.finished:
                break
            expected = record.offset + 1
        assert self.progress.next_offset == expected
        assert self.progress.num_open == len(self.delivered) - self.num_closed


TestProgress = ProgressMachine.TestCase
TestProgress.settings = settings(RUNS, stateful_step_count=40)


class Worker:
    """A simulated worker: lanes with a handler whose ends the test chooses, over one partition.

    Attributes:
        finished: Offsets whose handler returned.
        committed: What was committed, in order.
    """

    def __init__(self, keys: list[int], refusals: set[int], *, max_in_flight: int, window: int) -> None:
        self.keys = keys
        self.max_in_flight = max_in_flight
        self.window = window
        self.gates: dict[int, asyncio.Future[None]] = {}
        self.finished: set[int] = set()
        self.started: list[int] = []
        self.committed = [0]
        self.refusals = set(refusals)
        self.at_work: Counter[bytes] = Counter()
        self.deaths: list[BaseException] = []
        self.generation = 0
        self.lanes = Lanes(
            one_by_one(self.handle),
            slots=Slots(max_in_flight),
            pause=Pause(lambda: 0.0),
            window=window,
            die=self.deaths.append,
        )
        self.progress = PartitionProgress()

    async def handle(self, record: Record) -> None:
        assert record.key is not None
        self.at_work[record.key] += 1
        assert self.at_work[record.key] == 1, "one key twice at once"
        assert self.at_work.total() <= self.max_in_flight
        self.started.append(record.offset)
        gate = self.gates.setdefault(record.offset, asyncio.get_running_loop().create_future())
        try:
            await asyncio.shield(gate)
            if record.offset in self.refusals:
                self.refusals.discard(record.offset)
                raise Overloaded("not now", retry_after_s=0.0)
            self.finished.add(record.offset)
        finally:
            self.at_work[record.key] -= 1

    async def pull(self, first: int) -> None:
        generation = self.generation
        for offset in range(first, len(self.keys)):
            key = b"%d" % self.keys[offset]
            permit = await self.lanes.admit(key)
            if generation != self.generation:
                self.lanes.refuse(permit)  # in hand across a rebalance: it is delivered again
                return
            self.lanes.start(permit, Record("t", 0, offset, _TIME, key, b""), self.progress)
            assert self.progress.num_open <= self.window

    async def rebalance(self) -> None:
        """Revoked at once, with handlers running, and assigned again."""
        self.generation += 1
        await self.lanes.drain(0)
        self.commit()
        dropped, self.progress = self.progress, PartitionProgress()
        self.lanes.reopen([dropped])

    def commit(self) -> None:
        """Commit, and check what may be checked at any moment."""
        if self.progress.next_offset is not None and self.progress.is_live:
            assert self.progress.next_offset >= self.committed[-1]
            assert self.finished.issuperset(range(self.progress.next_offset))
            self.committed.append(self.progress.next_offset)

    async def settle(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)
            self.commit()


async def _run(keys: list[int], choices: list[int], refusals: set[int]) -> Worker:
    worker = Worker(keys, refusals, max_in_flight=2, window=4)
    pulls = [asyncio.create_task(worker.pull(0))]
    remaining = list(choices)
    for _ in range(1_000):
        await worker.settle()
        if worker.committed[-1] == len(keys):
            break
        waiting = [offset for offset, gate in worker.gates.items() if not gate.done()]
        choice = remaining.pop() if remaining else 0
        if choice == REBALANCE:
            await worker.rebalance()
            pulls.append(asyncio.create_task(worker.pull(worker.committed[-1])))
        elif waiting:
            worker.gates[waiting[choice % len(waiting)]].set_result(None)
    assert worker.committed[-1] == len(keys)
    assert worker.deaths == []
    await asyncio.gather(*pulls)
    return worker


@settings(RUNS)
@given(
    keys=st.lists(st.integers(0, 3), min_size=1, max_size=14),
    choices=st.lists(st.integers(0, 6), max_size=30),
    refusals=st.sets(st.integers(0, 13), max_size=3),
)
def test_lanes_never_commit_past_an_unfinished_record(keys: list[int], choices: list[int], refusals: set[int]) -> None:
    """Handlers end in any order and refuse work; bounds, order of keys and committed offsets hold at every moment."""
    worker = asyncio.run(_run(keys, choices, refusals))
    for key in set(keys):
        order = [offset for offset in worker.started if keys[offset] == key]
        assert order == sorted(order)
    assert len(worker.started) == len(keys) + sum(offset < len(keys) for offset in refusals)


@settings(RUNS)
@given(
    keys=st.lists(st.integers(0, 3), min_size=1, max_size=14),
    choices=st.lists(st.integers(0, REBALANCE), max_size=30),
)
def test_progress_belongs_to_one_assignment(keys: list[int], choices: list[int]) -> None:
    """Partitions are revoked and come back while handlers run: what ends late moves nothing, everything is finished."""
    worker = asyncio.run(_run(keys, choices, set()))
    assert worker.finished == set(range(len(keys)))
