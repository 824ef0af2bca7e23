"""Killed after any step of DESIGN 4, once or twice, then redelivered: the end state is that of the undisturbed run.

Exhaustive, not sampled: every await of every kind of update.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from schemas.documents import SummaryDocument
from schemas.events import Update
from store.memory import MemoryStore
from tests.property.stream.writers import (
    Delivery,
    assert_changelog_ends_on_stored,
    deliveries,
    end_of,
    run,
    run_until,
)
from tests.unit.stream.builders import PureSummaries, RecordedChangelog, delete, make_processor, tombstone, upsert

LOGS: dict[str, list[Update]] = {
    "first upsert": [upsert(1)],
    "new body": [upsert(1), upsert(2, "Day shift.")],
    "new header": [upsert(1), upsert(2, title="Head nurse")],
    "delete": [upsert(1), delete(2)],
    "delete of the same version": [upsert(1), delete(1)],
    "delete of an unknown job": [delete(2)],
    "tombstone": [upsert(1), tombstone()],
    "tombstone of an unknown job": [tombstone()],
    "re-post": [upsert(1), delete(2), upsert(3)],
    "re-post of another text": [upsert(1), tombstone(), upsert(2, "Day shift.")],
    "stale": [upsert(2), upsert(1, "Day shift.")],
    "delete again": [upsert(1), delete(2), delete(2)],
}


class World:
    def __init__(self) -> None:
        self.store, self.changelog, self.summaries = MemoryStore(), RecordedChangelog(), PureSummaries()

    def process(self, delivery: Delivery) -> Any:
        """A new worker each time: what a killed one knew is lost."""
        return make_processor(self.store, self.changelog, self.summaries).process(*delivery)

    def essence(self) -> dict[str, Any] | None:
        """The stored document without the times of writing."""
        kept = run(self.store.get("job"))
        return kept.document.model_dump(exclude={"rev", "summarized_at"}) if kept else None


def undisturbed(log: list[Update]) -> World:
    world = World()
    for delivery in deliveries(log):
        run(world.process(delivery))
    return world


def steps_of(log: list[Update]) -> Iterator[int]:
    """Awaits at which the last update of the log can be killed."""
    for num_steps in count(1):
        world = World()
        *before, last = deliveries(log)
        for delivery in before:
            run(world.process(delivery))
        if not run_until(world.process(last), num_steps):
            return
        yield num_steps


@pytest.mark.parametrize("log", list(LOGS.values()), ids=list(LOGS))
def test_killed_at_every_await_then_redelivered(log: list[Update]) -> None:
    """The document is equal but for the times of writing, and the changelog ends on it."""
    wanted = undisturbed(log)
    *before, last = deliveries(log)
    steps = list(steps_of(log))
    assert len(steps) >= 4  # a stale update reads, invalidates, publishes and reads again
    for first in steps:
        for second in [0, *steps]:  # 0: not killed again
            world = World()
            for delivery in before:
                run(world.process(delivery))
            run_until(world.process(last), first)
            if second:
                run_until(world.process(last), second)
            run(world.process(last))
            assert world.essence() == wanted.essence()
            assert end_of(world.store, "job") == end_of(wanted.store, "job")
            assert_changelog_ends_on_stored(world.store, world.changelog, ["job"])


@pytest.mark.parametrize("log", list(LOGS.values()), ids=list(LOGS))
def test_killed_at_every_await_then_the_whole_log_again(log: list[Update]) -> None:
    """The commit before the kill was lost too: everything since comes again, with the same end."""
    wanted = undisturbed(log)
    *before, last = deliveries(log)
    for num_steps in steps_of(log):
        world = World()
        for delivery in before:
            run(world.process(delivery))
        run_until(world.process(last), num_steps)
        for delivery in deliveries(log):
            run(world.process(delivery))
        assert world.essence() == wanted.essence()
        assert end_of(world.store, "job") == end_of(wanted.store, "job")
        assert_changelog_ends_on_stored(world.store, world.changelog, ["job"])


def test_redelivery_after_the_write_asks_no_model() -> None:
    """What was paid for is not paid again: only kills before the write cost a second call."""
    (delivery,) = deliveries([upsert(1)])
    calls = []
    for num_steps in steps_of([upsert(1)]):
        world = World()
        run_until(world.process(delivery), num_steps)
        is_written = run(world.store.get("job")) is not None
        run(world.process(delivery))
        calls.append((is_written, len(world.summaries.bodies)))
    assert {num_calls for is_written, num_calls in calls if is_written} == {1}
    assert max(num_calls for is_written, num_calls in calls if not is_written) == 2


def test_a_lost_write_is_not_acknowledged_by_the_changelog() -> None:
    """Nothing is published that is not stored, wherever the update is killed."""
    (delivery,) = deliveries([upsert(1)])
    for num_steps in steps_of([upsert(1)]):
        world = World()
        run_until(world.process(delivery), num_steps)
        kept = run(world.store.get("job"))
        published: list[SummaryDocument] = world.changelog.documents
        assert published == [] or (kept is not None and published[-1] == kept.document)
