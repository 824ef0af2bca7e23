"""Whatever stands in the score cache, a look-up is answered: what is no score is a miss, and is counted."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from schemas.documents import ScoreEntry
from store.ports import Store
from store.score_metrics import HasWrongScores
from tests.doubles.clock import ManualClock
from tests.doubles.documents import score_entry

if TYPE_CHECKING:
    from store.couchbase import CouchbaseStore

_QUERY = "query-1"


def _num_wrong(store: Store) -> int:
    assert isinstance(store, HasWrongScores)
    return store.num_wrong_scores


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(
    "changes",
    [{"score": 1.5}, {"score": -0.1}, {"score": float("inf")}, {"scored_at": timedelta(hours=1)}],
    ids=["above 1", "below 0", "infinite", "ahead of now"],
)
async def test_a_wrong_entry_is_a_miss_and_its_neighbours_are_hits(
    store: Store, clock: ManualClock, changes: dict[str, Any]
) -> None:
    """It is counted, and the next score that is merged takes its place."""
    good = score_entry(scored_at=clock.now())
    if "scored_at" in changes:
        changes = {"scored_at": clock.now() + changes["scored_at"]}
    wrong = ScoreEntry.model_construct(**(dict(good) | changes))
    await store.merge_scores(_QUERY, {"job-1": wrong, "job-2": good})
    assert await store.get_scores(_QUERY, ["job-1", "job-2"]) == {"job-2": good}
    assert _num_wrong(store) == 1
    clock.advance(1)
    mended = score_entry(scored_at=clock.now())
    assert await store.merge_scores(_QUERY, {"job-1": mended})
    assert await store.get_scores(_QUERY, ["job-1", "job-2"]) == {"job-1": mended, "job-2": good}


async def test_clocks_may_differ_a_little(store: Store, clock: ManualClock) -> None:
    """A score of a machine whose clock is ahead is used; it does not live the longer for it by more than that."""
    entry = score_entry(scored_at=clock.now() + timedelta(seconds=59))
    await store.merge_scores(_QUERY, {"job-1": entry})
    assert await store.get_scores(_QUERY, ["job-1"]) == {"job-1": entry}
    assert _num_wrong(store) == 0


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("scored_at_us", "num_wrong"), [(2**62, 1), (-(2**62), 0)], ids=["ahead", "long ago"])
async def test_a_row_of_no_year_that_there_is(store: Store, tmp_path: Path, scored_at_us: int, num_wrong: int) -> None:
    """The embedded store's columns have types, so little else can be wrong in them."""
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as connection:
        connection.execute("INSERT INTO scores VALUES (?, 'job-1', 'v1', 0.5, ?)", (_QUERY, scored_at_us))
    assert await store.get_scores(_QUERY, ["job-1"]) == {}
    assert _num_wrong(store) == num_wrong  # what is older than any score is not even read
    assert await store.forget_job("job-1") == num_wrong


_AWARE = "2026-03-01T12:00:00Z"


def _document(**changes: Any) -> bytes:
    import json  # noqa: PLC0415 - beside what it makes

    good = {"item_version": "v1", "score": 0.5, "scored_at": _AWARE}
    return json.dumps({"job-1": good | changes, "job-2": good}).encode()


@pytest.mark.parametrize(
    "kind", ["couchbase", pytest.param("couchbase-server", marks=pytest.mark.couchbase_server)], indirect=True
)
@pytest.mark.parametrize(
    ("content", "hits"),
    [
        (_document(score=float("nan")), {"job-2"}),
        (_document(score=None), {"job-2"}),
        (_document(score="high"), {"job-2"}),
        (_document(scored_at="2026-03-01T12:00:00"), {"job-2"}),
        (_document(scored_at="yesterday"), {"job-2"}),
        (_document(item_version=7), {"job-2"}),
        (_document(more=1), {"job-2"}),
        (b'{"job-1": [], "job-2": null}', set()),
        (b"[]", set()),
        (b"7", set()),
        (b'{"job-1":', set()),
        (b"[" * 100_000, set()),
        (b"\xff\xfe", set()),
        (b"", set()),
    ],
)
async def test_a_document_that_is_wrong_in_part_or_whole(
    store: "CouchbaseStore", clock: ManualClock, content: bytes, hits: set[str]
) -> None:
    """A document store holds any bytes. Merging mends it."""
    await asyncio.to_thread(_upsert, store, _QUERY, content)
    assert set(await store.get_scores(_QUERY, ["job-1", "job-2"])) == hits
    assert _num_wrong(store) >= 1
    clock.advance(1)
    mended = score_entry(scored_at=clock.now())
    await store.merge_scores(_QUERY, {"job-1": mended})
    assert (await store.get_scores(_QUERY, ["job-1"])) == {"job-1": mended}
    assert await store.forget_job("job-1") == 1


@pytest.mark.parametrize("kind", ["couchbase"], indirect=True)
@pytest.mark.parametrize("content", [b"{", b"[]", b'{"query-1": "soon"}', b'{"query-1": NaN}'])
async def test_a_list_of_queries_that_is_none(store: "CouchbaseStore", clock: ManualClock, content: bytes) -> None:
    """It names nothing, and listing begins anew."""
    await asyncio.to_thread(_upsert, store, "by_job:job-1", content)
    assert await store.forget_job("job-1") == 0
    assert await store.count_scores("job-1") == 0
    assert await store.merge_scores(_QUERY, {"job-1": score_entry(scored_at=clock.now())})
    assert await store.forget_job("job-1") == 1


@pytest.mark.parametrize("kind", ["couchbase"], indirect=True)
async def test_an_epoch_that_is_none_hides_everything(store: "CouchbaseStore", clock: ManualClock) -> None:
    """Somebody purged, nobody knows when: until the next purge, or its end, no score is used."""
    await store.merge_scores(_QUERY, {"job-1": score_entry(scored_at=clock.now())})
    await asyncio.to_thread(_upsert, store, "epoch", b'"now"')
    assert await store.get_scores(_QUERY, ["job-1"]) == {}
    assert _num_wrong(store) == 1
    clock.advance(-1)
    await store.forget_all_scores()
    assert set(await store.get_scores(_QUERY, ["job-1"])) == {"job-1"}


@pytest.mark.parametrize("kind", ["couchbase"], indirect=True)
@pytest.mark.parametrize("content", [b"{", b"[]", b'{"v1": 7}'])
async def test_leases_that_are_none_hold_nobody_up(store: "CouchbaseStore", content: bytes) -> None:
    """Whoever asks leads."""
    await asyncio.to_thread(_upsert, store, f"lease:{_QUERY}", content)
    assert await store.lead(_QUERY, ["v1"], holder="a", ttl_s=10) == {}
    assert set(await store.lead(_QUERY, ["v1"], holder="b", ttl_s=10)) == {"v1"}


def _upsert(store: "CouchbaseStore", key: str, content: bytes) -> None:
    from couchbase.options import UpsertOptions  # noqa: PLC0415 (0.5 s that most runs save)

    collections = store._collections  # noqa: SLF001 - what no method of the store would write
    collections.scores.upsert(key, content, UpsertOptions(transcoder=collections.cached["transcoder"]))


def test_the_times_above_are_the_clocks(clock: ManualClock) -> None:
    """Else all entries were too old, and the tests above saw nothing."""
    assert datetime.fromisoformat(_AWARE) == clock.now()
