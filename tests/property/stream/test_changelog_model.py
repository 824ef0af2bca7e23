"""Exhaustive model check of invariant (c): the last record of ``job-summaries`` for a key is the stored document.

The model is what steps 1, 4 and 6 of ``Processor.process`` do to three things: the stored version, the last record of
the changelog, and each writer's place in the program. Writers interleave in every way, are killed at every step with
their record delivered again, and get records again that they had finished (a commit that was lost). An append happens
at once or, where the writer is killed first, never: a broker has dealt with the connection of a dead writer long before
its partitions go to another one.

The model is small enough to look at every state there is, and the mutants show that it sees what it must see. The code
itself is held to the same claim by driving real writers through every interleaving of two redeliveries.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import pytest

from store.memory import MemoryStore
from tests.property.stream.writers import Writer, assert_changelog_ends_on_stored, deliveries
from tests.unit.stream.builders import RecordedChangelog, make_processor, upsert

Place = Literal["read", "write", "publish", "reread", "done"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """What the program does; the defaults are the design."""

    rereads: bool = True
    stale_publishes: bool = True
    redelivery_publishes: bool = True
    swaps: bool = True


@dataclass(frozen=True, slots=True)
class W:
    """A writer: the version it brings, where it stands, and what it has in hand there."""

    version: int
    place: Place = "read"
    seen: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """The world: stored version, last record of the changelog (0: none), writers, kills and redeliveries left."""

    stored: int
    last: int
    writers: tuple[W, ...]
    num_kills: int
    num_redeliveries: int

    def moved(self, index: int, writer: W, *, stored: int | None = None, last: int | None = None) -> "State":
        writers = (*self.writers[:index], writer, *self.writers[index + 1 :])
        return replace(
            self,
            writers=writers,
            stored=self.stored if stored is None else stored,
            last=self.last if last is None else last,
        )


def steps(state: State, protocol: Protocol) -> Iterator[State]:
    """Every state that one step of one writer, one kill or one redelivery leads to."""
    for index, writer in enumerate(state.writers):
        if writer.place != "done":
            yield _step(state, index, writer, protocol)
            if state.num_kills and writer.place != "read":
                killed = state.moved(index, W(writer.version))
                yield replace(killed, num_kills=state.num_kills - 1)
        elif state.num_redeliveries:
            again = state.moved(index, W(writer.version))
            yield replace(again, num_redeliveries=state.num_redeliveries - 1)


def _step(state: State, index: int, writer: W, protocol: Protocol) -> State:
    match writer.place:
        case "read" if writer.version > state.stored:
            return state.moved(index, replace(writer, place="write", seen=state.stored))
        case "read":
            is_same = writer.version == state.stored
            publishes = protocol.redelivery_publishes if is_same else protocol.stale_publishes
            return state.moved(index, replace(writer, place="publish" if publishes else "done", seen=state.stored))
        case "write" if protocol.swaps and state.stored != writer.seen:
            return state.moved(index, W(writer.version))
        case "write":
            written = replace(writer, place="publish", seen=writer.version)
            return state.moved(index, written, stored=writer.version)
        case "publish":
            published = replace(writer, place="reread" if protocol.rereads else "done")
            return state.moved(index, published, last=writer.seen)
        case _:
            if writer.seen == state.stored:
                return state.moved(index, replace(writer, place="done"))
            return state.moved(index, replace(writer, place="publish", seen=state.stored))


def explore(start: State, protocol: Protocol) -> tuple[int, list[State]]:
    """Look at every state that can be reached.

    Returns:
        How many there are, and those at rest that break the invariant or end on an old version.
    """
    highest = max(writer.version for writer in start.writers)
    known, front, broken = {start}, [start], []
    while front:
        state = front.pop()
        if all(writer.place == "done" for writer in state.writers) and not state.last == state.stored == highest:
            broken.append(state)
        for following in steps(state, protocol):
            if following not in known:
                known.add(following)
                front.append(following)
    return len(known), broken


def start(*versions: int, kills: int = 2, redeliveries: int = 1) -> State:
    return State(0, 0, tuple(map(W, versions)), kills, redeliveries)


STARTS = {
    "two writers": start(1, 2),
    "two writers, one update": start(1, 1),
    "three writers": start(1, 2, 3),
    "three writers, two updates": start(1, 2, 2),
    "three writers, no kills": start(1, 2, 3, kills=0, redeliveries=2),
}


@pytest.mark.parametrize("world", list(STARTS.values()), ids=list(STARTS))
def test_at_rest_the_changelog_ends_on_the_stored_document(world: State) -> None:
    """In every state where all writers are done, whatever the interleaving, the kills and the redeliveries."""
    num_states, broken = explore(world, Protocol())
    assert broken == []
    assert num_states > 60


@pytest.mark.parametrize(
    ("world", "protocol"),
    [
        (start(1, 2, kills=0, redeliveries=0), Protocol(rereads=False)),
        (start(1, 2, kills=1, redeliveries=0), Protocol(stale_publishes=False)),
        (start(1, kills=1, redeliveries=0), Protocol(redelivery_publishes=False)),
        (start(1, 2, kills=0, redeliveries=0), Protocol(swaps=False)),
    ],
    ids=["no second read", "stale does not publish", "redelivery does not publish", "writes without compare-and-swap"],
)
def test_the_check_sees_each_part_that_is_left_out(world: State, protocol: Protocol) -> None:
    """Without any one of them the changelog can end on an old version: each part is needed."""
    assert explore(world, protocol)[1]
    assert explore(world, Protocol())[1] == []


def test_every_interleaving_of_two_redeliveries_in_the_code() -> None:
    """The real writers, an older and a newer record at work at once, after a kill that left only the old published."""
    old, new = deliveries([upsert(1), upsert(2, "Day shift.")])
    num_steps = [_num_steps(old), _num_steps(new)]
    num_runs = 0
    for order in product((0, 1), repeat=sum(num_steps)):
        if order.count(0) != num_steps[0]:
            continue
        store, changelog, writers = _both_stored_old_published()
        for index in order:
            if not writers[index].is_done:
                writers[index].step()
        for writer in writers:
            while not writer.is_done:
                writer.step()
        assert_changelog_ends_on_stored(store, changelog, ["job"])
        num_runs += 1
    assert num_runs >= 200


def _num_steps(delivery: object) -> int:
    _, _, writers = _both_stored_old_published()
    writer = writers[0] if delivery == deliveries([upsert(1)])[0] else writers[1]
    num_steps = 0
    while not writer.is_done:
        writer.step()
        num_steps += 1
    return num_steps


def _both_stored_old_published() -> tuple[MemoryStore, RecordedChangelog, list[Writer]]:
    old, new = deliveries([upsert(1), upsert(2, "Day shift.")])
    store, changelog = MemoryStore(), RecordedChangelog()
    before = Writer(make_processor(store, changelog), [old])
    while not before.is_done:
        before.step()
    killed = Writer(make_processor(store, RecordedChangelog()), [new])
    while not killed.is_done:
        killed.step()
    return store, changelog, [Writer(make_processor(store, changelog), [delivery]) for delivery in (old, new)]
