"""The re-summarise lane beside live updates: the newest update wins, and every summary ends as the model gives it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.documents import State, SummaryDocument
from schemas.events import Update
from schemas.resummarise import Reason, ResummariseRequest
from schemas.rollout import RolloutState
from store.ports import StoredSummary
from stream.compose import Summary
from stream.resummarise import Resummariser
from tests.property.stream.lane_writers import ComingAndGoing, LaneStore, LaneWriter, start_rollout
from tests.property.stream.logs import RUNS, logs
from tests.property.stream.writers import (
    Steps,
    Writer,
    assert_changelog_ends_on_stored,
    deliveries,
    end_of,
    interleave,
    process,
    run,
    run_until,
)
from tests.unit.stream.builders import (
    KnownRollout,
    RecordedChangelog,
    RecordedRequests,
    delete,
    make_mending,
    make_processor,
    make_resummariser,
    tombstone,
    upsert,
)

KILLS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([False] * 9 + [True])), max_size=150)


@dataclass
class World:
    """Store, topics and engine of one service; workers come and go."""

    summaries: ComingAndGoing = field(default_factory=lambda: ComingAndGoing([]))
    store: LaneStore = field(default_factory=LaneStore)
    changelog: RecordedChangelog = field(default_factory=RecordedChangelog)
    requests: RecordedRequests = field(default_factory=RecordedRequests)
    rollout: KnownRollout = field(default_factory=KnownRollout)

    def live(self, log: list[Update]) -> Writer:
        mending = make_mending(self.rollout, self.requests)
        return Writer(
            make_processor(self.store, self.changelog, self.summaries, mending=mending),
            deliveries(log),
        )

    def resummariser(self, kind: type[Resummariser] = Resummariser) -> Resummariser:
        mending = make_mending(self.rollout, self.requests)
        return make_resummariser(self.store, self.changelog, self.summaries, mending=mending, kind=kind)

    def lane(self) -> LaneWriter:
        return LaneWriter(self.resummariser(), self.requests, self.store)

    def document(self) -> SummaryDocument:
        kept: StoredSummary = run(self.store.get("job"))
        return kept.document

    def assert_mended(self) -> None:
        """Live documents are the model's, of the latest roll-out; the changelog ends on what is stored."""
        document = self.document()
        if not document.is_deleted:
            assert document.state is State.FRESH
            assert document.generation == self.rollout.state.generation
        assert_changelog_ends_on_stored(self.store, self.changelog, ["job"])


class Operator:
    """Starts roll-outs, one a step, and is never killed."""

    def __init__(self, world: World, num_rollouts: int) -> None:
        self._world = world
        self._num_left = num_rollouts

    @property
    def is_done(self) -> bool:
        return self._num_left == 0

    def step(self) -> None:
        self._num_left -= 1
        start_rollout(self._world.store, self._world.rollout, self._world.requests)

    def kill(self) -> None:
        pass


def finish(writers: list[Steps]) -> None:
    """All to their ends, also those that others give more to do."""
    while not all(writer.is_done for writer in writers):
        interleave(writers, [])


def undisturbed(log: list[Update]) -> World:
    world = World()
    interleave([world.live(log)], [])
    return world


@settings(RUNS, max_examples=500)
@given(
    log=logs(),
    choices=KILLS,
    answers=st.lists(st.booleans(), max_size=8),
    num_rollouts=st.integers(0, 2),
    num_lanes=st.integers(1, 2),
)
def test_live_updates_and_the_lane_at_once_killed_anywhere(
    log: list[Update], choices: list[tuple[int, bool]], answers: list[bool], num_rollouts: int, num_lanes: int
) -> None:
    """Two live workers, one or two of the lane, an engine that fails now and then, roll-outs at any moment.

    The end is that of the log alone, with every fallback mended and every live summary of the latest roll-out.
    """
    world = World(ComingAndGoing(answers))
    writers: list[Steps] = [world.live(log), world.live(log), Operator(world, num_rollouts)]
    writers += [world.lane() for _ in range(num_lanes)]
    interleave(writers, choices)
    finish(writers)
    assert end_of(world.store, "job") == end_of(undisturbed(log).store, "job")
    world.assert_mended()


LIVE: dict[str, Update] = {
    "new body": upsert(2, "Day shift."),
    "new header": upsert(2, title="Head nurse"),
    "delete": delete(2),
    "tombstone": tombstone(),
}


def outdated() -> World:
    """One job, stored by the old model; a roll-out has asked for it."""
    world = World()
    interleave([world.live([upsert(1)])], [])
    start_rollout(world.store, world.rollout, world.requests)
    return world


@pytest.mark.parametrize("answers", [[], [False]], ids=["engine there", "engine away from the update"])
@pytest.mark.parametrize("update", list(LIVE.values()), ids=list(LIVE))
def test_a_live_update_at_every_step_of_the_lane_wins(update: Update, answers: list[bool]) -> None:
    """Wherever it comes in between: version, header and text are its own, and the roll-out is carried out."""
    num_runs = 0
    for num_steps in count(0):
        world = outdated()
        lane = world.lane()
        for _ in range(num_steps):
            if not lane.is_done:
                lane.step()
        was_done = lane.is_done
        world.summaries.answers += answers
        run(process(world.live([]).processor, deliveries([upsert(1), update])[1]))
        finish([lane, world.lane()])
        assert end_of(world.store, "job") == end_of(undisturbed([upsert(1), update]).store, "job")
        world.assert_mended()
        num_runs += 1
        if was_done:
            break
    assert num_runs >= 8


@pytest.mark.parametrize("update", list(LIVE.values()), ids=list(LIVE))
def test_the_lane_at_every_step_of_a_live_update_does_no_harm(update: Update) -> None:
    """The other way round: the whole request between two steps of the update."""
    num_runs = 0
    for num_steps in count(0):
        world = outdated()
        writer = world.live([upsert(1), update])
        while writer.num_waiting > 1:
            writer.step()
        for _ in range(num_steps):
            if not writer.is_done:
                writer.step()
        was_done = writer.is_done
        finish([world.lane(), writer])
        finish([world.lane()])
        assert end_of(world.store, "job") == end_of(undisturbed([upsert(1), update]).store, "job")
        world.assert_mended()
        num_runs += 1
        if was_done:
            break
    assert num_runs >= 6


def steps_of_the_lane() -> Iterator[int]:
    for num_steps in count(1):
        world = outdated()
        if not run_until(world.resummariser().resummarise(world.requests.requests[0]), num_steps):
            return
        yield num_steps


def test_killed_at_every_await_then_redelivered() -> None:
    """Once or twice: the end is that of an undisturbed request, and what was paid for is not paid again."""
    steps = list(steps_of_the_lane())
    assert len(steps) >= 7
    for first in steps:
        for second in [0, *steps]:
            world = outdated()
            request = world.requests.requests[0]
            for num_steps in (first, second):
                if num_steps:
                    run_until(world.resummariser().resummarise(request), num_steps)
            num_calls, is_written = len(world.summaries.bodies), world.document().generation == 1
            run(world.resummariser().resummarise(request))
            world.assert_mended()
            assert not is_written or len(world.summaries.bodies) == num_calls


def test_a_fallback_is_asked_for_wherever_its_worker_is_killed() -> None:
    """Killed at every await of the update that stores it, then redelivered: it is mended all the same."""
    num_kills = 0
    for num_steps in count(1):
        world = World(ComingAndGoing([False, False]))
        (delivery,) = deliveries([upsert(1)])
        if not run_until(process(world.live([]).processor, delivery), num_steps):
            break
        run(process(world.live([]).processor, delivery))
        finish([world.lane()])
        world.assert_mended()
        num_kills += 1
    assert num_kills >= 9


def test_a_fallback_is_mended_without_any_update() -> None:
    """Stored because the engine was away, asked for by the same worker, and mended when the engine is back."""
    world = World(ComingAndGoing([False, False, False]))
    interleave([world.live([upsert(1)])], [])
    before = world.document()
    assert before.state is State.FALLBACK
    assert [request.reason for request in world.requests.requests] == [Reason.FALLBACK]
    lane = world.lane()
    while world.document().state is State.FALLBACK:
        assert world.document() == before  # it stands until it is mended
        lane.step()
    finish([lane])
    world.assert_mended()


class OverwritingResummariser(Resummariser):
    """A mutant: swaps on a token that it reads just before, not on the one it decided on."""

    async def _write(self, stored: StoredSummary, summary: Summary) -> SummaryDocument | None:
        now = await self._store.get(stored.document.job_id)
        assert now is not None
        return await super()._write(StoredSummary(stored.document, now.cas), summary)


def test_the_check_sees_a_blind_write() -> None:
    """With the mutant, the lane puts an old version over a live update: the watched store catches it."""
    world = outdated()
    lane = LaneWriter(world.resummariser(OverwritingResummariser), world.requests, world.store)
    lane.step()
    lane.step()
    lane.step()  # has read version 1 and its posting
    run(process(world.live([]).processor, deliveries([upsert(1), upsert(2, "Day shift.")])[1]))
    with pytest.raises(AssertionError):
        finish([lane])


def test_a_revived_job_is_brought_to_the_latest_generation() -> None:
    """Deleted while the roll-out passed, its kept summary is the old model's: the re-post asks for a new one."""
    world = World()
    interleave([world.live([upsert(1), delete(2)])], [])
    start_rollout(world.store, world.rollout, world.requests)
    assert world.requests.requests == []
    run(process(world.live([]).processor, deliveries([upsert(1), delete(2), upsert(3)])[2]))
    assert world.document().generation == 0  # kept, and servable at once
    assert world.requests.requests == [ResummariseRequest(job_id="job", reason=Reason.ROLLOUT, generation=1)]
    finish([world.lane()])
    world.assert_mended()


def test_a_worker_of_the_old_model_leaves_the_new_generation_to_the_new_ones() -> None:
    """While a roll-out is deployed, what an old worker writes counts as old, and is asked for again at once."""
    world = World(rollout=KnownRollout(RolloutState(generation=4, revision="new")))
    interleave([world.live([upsert(1)])], [])
    assert world.document().generation == 3
    (request,) = world.requests.requests
    assert (request.reason, request.generation, request.revision) == (Reason.ROLLOUT, 4, "new")
