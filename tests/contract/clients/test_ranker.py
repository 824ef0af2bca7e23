"""What every ``RankerEngine`` does, double and client alike."""

import asyncio
from typing import Protocol

import pytest

from models.clients.ports import RankerEngine, Scores
from schemas.deadline import Deadline
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    DeadlineExceeded,
    Overloaded,
    PrecisError,
    PromptTooLong,
)
from tests.doubles.engines import LexicalRanker

QUERY = (2, 10, 11)


class Ranker(Protocol):
    engine: RankerEngine
    double: LexicalRanker


async def score(engine: RankerEngine, items: list[tuple[int, ...]], *, budget_s: float = 30) -> Scores:
    """One call."""
    return await engine.score(QUERY, items, label_token_ids=(8, 9), deadline=Deadline.after(budget_s))


async def test_scores_come_in_the_order_of_the_items(ranker: Ranker) -> None:
    """Three items: all of the query, none of it, a part; with the engine's revision."""
    ranker.double.model_revision = "weights-1"
    scores = await score(ranker.engine, [(3, 2, 10, 11, 4), (3, 99, 4), (3, 10, 4)])
    assert scores == Scores(values=(4 / 5, 1 / 5, 2 / 5), revision="weights-1")


async def test_the_engine_gets_ids_labels_and_deadline_as_given(ranker: Ranker) -> None:
    """Nothing is added to query or items."""
    await score(ranker.engine, [(3, 2**20), (4,)], budget_s=20)
    (call,) = ranker.double.calls
    assert (call.query_ids, call.items, call.label_token_ids) == (QUERY, ((3, 2**20), (4,)), (8, 9))
    assert 0 < call.deadline.remaining_s() <= 20.001


async def test_no_items_are_no_scores(ranker: Ranker) -> None:
    """N may be 0."""
    assert (await score(ranker.engine, [])).values == ()


async def test_a_thousand_items_are_one_call(ranker: Ranker) -> None:
    """Packing is the caller's and the engine's business."""
    scores = await score(ranker.engine, [(index, 10) for index in range(1_000)])
    assert len(scores.values) == 1_000
    assert all(0 <= value <= 1 for value in scores.values)
    assert len(ranker.double.calls) == 1


async def test_an_item_over_the_context_is_refused(ranker: Ranker) -> None:
    """Query and item must fit together."""
    with pytest.raises(PromptTooLong):
        await score(ranker.engine, [(1,), tuple(range(98))])
    assert len((await score(ranker.engine, [tuple(range(97))])).values) == 1


@pytest.mark.parametrize(
    "error",
    [
        BackendTimeout("slow", backend="ranker", operation="score"),
        BackendUnavailable("loading", backend="ranker", operation="score"),
        BackendProtocolError("broken", backend="ranker", operation="score"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_keeps_its_class_and_the_next_call_succeeds(ranker: Ranker, error: PrecisError) -> None:
    """What a caller acts on, the class, crosses the wire."""
    ranker.double.fail_next(error)
    with pytest.raises(type(error)):
        await score(ranker.engine, [(1,)])
    assert len((await score(ranker.engine, [(1,)])).values) == 1


async def test_a_refusal_brings_its_hint_and_is_not_tried_again(ranker: Ranker) -> None:
    """``Overloaded`` says when to come back."""
    ranker.double.fail_next(Overloaded("full", retry_after_s=0.25))
    with pytest.raises(Overloaded) as caught:
        await score(ranker.engine, [(1,)])
    assert caught.value.retry_after_s == 0.25
    assert len(ranker.double.calls) == 1


async def test_a_deadline_that_passes_ends_the_work(ranker: Ranker) -> None:
    """The caller gets ``DeadlineExceeded``, and the engine does not go on for nobody."""
    ranker.double.hold()
    with pytest.raises(DeadlineExceeded):
        await score(ranker.engine, [(1,)], budget_s=0.05)
    with pytest.raises(DeadlineExceeded):
        await score(ranker.engine, [(1,)], budget_s=0)
    await ranker.double.wait_idle()
    assert ranker.double.num_in_flight == 0


async def test_cancelling_the_call_ends_the_work(ranker: Ranker) -> None:
    """A caller that goes away takes its work with it."""
    ranker.double.hold()
    task = asyncio.create_task(score(ranker.engine, [(1,)]))
    await ranker.double.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ranker.double.wait_idle()
    assert (ranker.double.num_in_flight, ranker.double.num_cancelled) == (0, 1)


async def test_revision_is_what_is_loaded_now(ranker: Ranker) -> None:
    """Asked again after a change, it has changed."""
    ranker.double.model_revision = "weights-1"
    assert await ranker.engine.revision() == "weights-1"
    ranker.double.model_revision = "weights-2"
    assert await ranker.engine.revision() == "weights-2"


async def test_close_is_idempotent(ranker: Ranker) -> None:
    """Shutting down twice is no error."""
    await ranker.engine.close()
    await ranker.engine.close()
