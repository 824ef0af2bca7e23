"""One job whose history comes by two topics: live as it happens, and a backfill that tells parts of it late.

The two are read at different speeds, so their records arrive in any order. What happened has one order, that of event
times; the end state must be that of this order, as far as it is defined: a tombstone has no version, so the version of
a job that one deleted depends on what was seen of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.documents import Origin, SummaryDocument
from schemas.events import Tombstone, Update
from store.memory import MemoryStore
from tests.property.stream.logs import RUNS
from tests.property.stream.writers import (
    Delivery,
    End,
    WatchedStore,
    Writer,
    assert_changelog_ends_on_stored,
    end_of,
    interleave,
    is_alive,
    process,
    run,
)
from tests.unit.stream.builders import (
    BACKFILL_TOPIC,
    RecordedChangelog,
    delete,
    make_processor,
    origin,
    tombstone,
    upsert,
)

_EXPORTED_MINUTES = 10_000
"""A backfill is published long after the last event."""


@dataclass(frozen=True, slots=True)
class History:
    """What happened, in order, and where each event was published."""

    deliveries: tuple[Delivery, ...]

    @property
    def updates(self) -> list[Update]:
        return [update for update, _ in self.deliveries]

    def of_topic(self, *, is_backfill: bool) -> list[Delivery]:
        return [entry for entry in self.deliveries if (entry[1].topic == BACKFILL_TOPIC) is is_backfill]


@st.composite
def histories(draw: st.DrawFn, *, max_size: int = 7) -> History:
    """Events a minute apart; the backfill may tell some of them again. Tombstones are a matter of the live topic."""
    kinds = draw(st.lists(st.sampled_from(["upsert", "upsert", "delete", "tie", "tombstone"]), min_size=1, max_size=7))
    events: list[Update] = []
    version = 0
    for minutes, kind in enumerate(kinds):
        if kind == "tombstone":
            events.append(tombstone())
        elif kind == "tie" and version:
            events.append(delete(version, minutes=minutes))
        else:
            version += draw(st.integers(1, 2))
            body, title = draw(st.sampled_from(["Night.", "Day.", ""])), draw(st.sampled_from(["Nurse", "Doctor"]))
            is_upsert = kind == "upsert"
            events.append(
                upsert(version, body, title, minutes=minutes) if is_upsert else delete(version, minutes=minutes)
            )
    found: list[Delivery] = []
    for minutes, event in enumerate(events):
        topics = ["live"] if isinstance(event, Tombstone) else draw(st.sampled_from([["live"], ["late"], _BOTH]))
        found += [(event, _live(minutes) if topic == "live" else _late(minutes)) for topic in topics]
    return History(tuple(found[: 2 * max_size]))


_BOTH = ["live", "late"]


def _live(minutes: int) -> Origin:
    return origin(minutes)


def _late(minutes: int) -> Origin:
    return origin(minutes, minutes=_EXPORTED_MINUTES + minutes, topic=BACKFILL_TOPIC)


def wanted(history: History) -> End | None:
    """The end of the history in its own order, by workers that nothing disturbs."""
    return defined(_processed(history.deliveries))


def _processed(arrivals: Sequence[Delivery]) -> MemoryStore:
    store = WatchedStore()
    processor = make_processor(store)
    for delivery in arrivals:
        run(process(processor, delivery))
    return store


def defined(store: MemoryStore) -> End | None:
    end = end_of(store, "job")
    return replace(end, source_version=0) if end and end.is_deleted else end


@settings(RUNS, max_examples=300)
@given(history=histories())
def test_in_its_own_order_the_end_is_what_happened_last(history: History) -> None:
    """The end that the other tests compare with agrees with the definition."""
    end = wanted(history)
    assert end is not None
    assert end.is_deleted is not is_alive(history.updates)


@settings(RUNS, max_examples=600)
@given(history=histories(), data=st.data())
def test_any_order_of_arrival_across_both_topics(history: History, data: st.DataObject) -> None:
    """Every record at least once, in any order: no backfill brings a deleted job back, and none is lost."""
    repeats = data.draw(st.lists(st.sampled_from(history.deliveries), max_size=4))
    arrivals = data.draw(st.permutations([*history.deliveries, *repeats]))
    assert defined(_processed(arrivals)) == wanted(history)


@settings(RUNS, max_examples=400)
@given(
    history=histories(),
    choices=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([False] * 9 + [True])), max_size=120),
)
def test_both_lanes_at_once_killed_anywhere(history: History, choices: list[tuple[int, bool]]) -> None:
    """A worker each for the live topic, the backfill, and the backfill again; each is killed and redelivered to."""
    store, changelog = WatchedStore(), RecordedChangelog()
    parts = [history.of_topic(is_backfill=is_backfill) for is_backfill in (False, True, True)]
    writers = [Writer(make_processor(store, changelog), part) for part in parts]
    interleave(writers, choices)
    assert defined(store) == wanted(history)
    assert_changelog_ends_on_stored(store, changelog, ["job"])


def test_a_tombstone_between_an_event_and_its_export_wins_in_both_orders() -> None:
    """Told late, an event from before the deletion is stale; stored first, it is deleted by it."""
    late = (upsert(3, minutes=4), _late(4))
    gone = (tombstone(), _live(5))
    ends = [_processed(arrivals) for arrivals in ([gone, late], [late, gone])]
    assert [_document(end).is_deleted for end in ends] == [True, True]


def test_an_event_after_the_tombstone_wins_in_both_orders() -> None:
    """The tombstone was logged before the export, but what counts is that it came before the event."""
    late = (upsert(3, minutes=6), _late(6))
    gone = (tombstone(), _live(5))
    ends = [_processed(arrivals) for arrivals in ([gone, late], [late, gone])]
    assert [_document(end).is_deleted for end in ends] == [False, False]


def _document(store: MemoryStore) -> SummaryDocument:
    document: SummaryDocument = run(store.get("job")).document
    return document
