"""Any order of arrival, any number of writers, kills at any await: the end state is that of the log read in order."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Update, Upsert
from store.ports import Cas
from stream.process import Processor
from tests.property.stream.logs import RUNS, logs
from tests.property.stream.writers import (
    Delivery,
    WatchedStore,
    Writer,
    assert_changelog_ends_on_stored,
    deliveries,
    end_of,
    interleave,
    is_alive,
    run,
)
from tests.unit.stream.builders import PureSummaries, RecordedChangelog, make_processor, pure_summary, upsert


def undisturbed(log: list[Update], job_id: str = "job") -> Any:
    store = WatchedStore()
    processor = make_processor(store)
    for delivery in deliveries(log):
        run(processor.process(*delivery))
    return end_of(store, job_id)


@settings(RUNS)
@given(log=logs())
def test_in_order_the_end_is_what_the_log_says(log: list[Update]) -> None:
    """The undisturbed run itself agrees with the definition: it is what the other tests compare with."""
    end = undisturbed(log)
    assert end.is_deleted is not is_alive(log)
    assert end.source_version == max((getattr(update, "version", 0) for update in log), default=0)
    if not end.is_deleted:
        last = [update for update in log if isinstance(update, Upsert)][-1]
        assert end.summary == pure_summary(str(last.posting["description"])).text


@settings(RUNS)
@given(data=st.data(), log=logs())
def test_any_order_of_arrival_with_duplicates(data: st.DataObject, log: list[Update]) -> None:
    """Every record at least once, in any order: the end is that of the log in order, and the changelog ends on it."""
    repeats = data.draw(st.lists(st.sampled_from(deliveries(log)), max_size=5))
    arrivals = data.draw(st.permutations(deliveries(log) + repeats))
    store, changelog = WatchedStore(), RecordedChangelog()
    processor = make_processor(store, changelog)
    for delivery in arrivals:
        run(processor.process(*delivery))
    assert end_of(store, "job") == undisturbed(log)
    assert_changelog_ends_on_stored(store, changelog, ["job"])


@settings(RUNS, max_examples=400)
@given(
    log=logs(),
    shares=st.lists(st.lists(st.integers(0, 6), max_size=4), min_size=1, max_size=3),
    choices=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([False] * 9 + [True])), max_size=120),
    are_orders_free=st.booleans(),
)
def test_concurrent_writers_that_are_killed_anywhere(
    log: list[Update], shares: list[list[int]], choices: list[tuple[int, bool]], are_orders_free: bool
) -> None:
    """One writer has the whole log, others have parts of it; they interleave at every await and are killed at some."""
    all_deliveries = deliveries(log)
    store, changelog = WatchedStore(), RecordedChangelog()
    parts: list[list[Delivery]] = [[all_deliveries[at] for at in share if at < len(log)] for share in shares]
    if not are_orders_free:
        parts = [sorted(part, key=lambda delivery: delivery[1].offset) for part in parts]
    writers = [Writer(make_processor(store, changelog), part) for part in [all_deliveries, *parts]]
    interleave(writers, choices)
    assert end_of(store, "job") == undisturbed(log)
    assert_changelog_ends_on_stored(store, changelog, ["job"])


@settings(RUNS)
@given(
    first=logs(max_size=4, job_id="first"),
    second=logs(max_size=4, job_id="second"),
    choices=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([False] * 9 + [True])), max_size=80),
)
def test_jobs_do_not_disturb_each_other(
    first: list[Update], second: list[Update], choices: list[tuple[int, bool]]
) -> None:
    """Two jobs at work at the same time end as each would alone."""
    store, changelog = WatchedStore(), RecordedChangelog()
    writers = [Writer(make_processor(store, changelog), deliveries(log)) for log in (first, second, first)]
    interleave(writers, choices)
    assert end_of(store, "first") == undisturbed(first, "first")
    assert end_of(store, "second") == undisturbed(second, "second")
    assert_changelog_ends_on_stored(store, changelog, ["first", "second"])


@settings(RUNS)
@given(log=logs())
def test_no_summary_is_asked_for_twice_in_a_row(log: list[Update]) -> None:
    """Read in order, the model is asked only where the body differs from the one that was summarised last."""
    summaries = PureSummaries()
    processor = make_processor(summarizer=summaries)
    for delivery in deliveries(log):
        run(processor.process(*delivery))
    assert all(before != after for before, after in zip(summaries.bodies, summaries.bodies[1:], strict=False))


class BlindProcessor(Processor):
    """A mutant: swaps on a token that it reads just before, not on the one it decided on."""

    async def _write(self, draft: Any, stored: Any) -> Cas | None:
        del stored
        return await super()._write(draft, await self._store.get(draft.document.job_id))


def test_the_check_sees_a_blind_write() -> None:
    """With the mutant, an old version that was decided on early replaces a newer one: the watched store catches it."""
    store, changelog = WatchedStore(), RecordedChangelog()
    slow, fast = (
        Writer(make_processor(store, changelog, kind=BlindProcessor), [delivery])
        for delivery in deliveries([upsert(1), upsert(2, "Day.")])
    )
    slow.step()
    slow.step()  # has read that nothing is stored
    while not fast.is_done:
        fast.step()
    with pytest.raises(AssertionError):
        interleave([slow], [])
