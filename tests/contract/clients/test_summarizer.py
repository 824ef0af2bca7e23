"""What every ``SummarizerEngine`` does, double and client alike."""

import asyncio
from typing import Protocol

import pytest

from models.clients.ports import Completion, Sampling, SummarizerEngine
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
from tests.doubles.engines import ScriptedSummarizer, digest_text


class Summarizer(Protocol):
    engine: SummarizerEngine
    double: ScriptedSummarizer


async def complete(
    engine: SummarizerEngine, prompt_ids: tuple[int, ...] = (5, 7, 6), *, max_tokens: int = 50, budget_s: float = 30
) -> Completion:
    """One call."""
    return await engine.complete(
        prompt_ids, max_tokens=max_tokens, stop_token_ids=(1,), deadline=Deadline.after(budget_s)
    )


async def test_the_answer_is_of_the_prompt(summarizer: Summarizer) -> None:
    """Text, lengths, end and revision come as the engine gave them; the same prompt is answered alike."""
    summarizer.double.model_revision = "weights-1"
    expected = Completion(
        text=digest_text((5, 7, 6)), num_prompt_tokens=3, num_output_tokens=6, is_complete=True, revision="weights-1"
    )
    assert await complete(summarizer.engine) == expected
    assert await complete(summarizer.engine) == expected
    assert await complete(summarizer.engine, (5, 8, 6)) != expected


async def test_a_sampled_call_carries_how_and_a_greedy_one_nothing(summarizer: Summarizer) -> None:
    """Temperature, share and seed arrive as given; the answer may be another one."""
    summarizer.double.sampled_answer = lambda _: "another answer"
    sampling = Sampling(temperature=0.5, top_p=0.9, seed=2**31 - 1)
    drawn = await summarizer.engine.complete(
        (5, 7, 6), max_tokens=50, stop_token_ids=(1,), deadline=Deadline.after(30), sampling=sampling
    )
    greedy = await complete(summarizer.engine)
    assert (drawn.text, greedy.text) == ("another answer", digest_text((5, 7, 6)))
    assert [call.sampling for call in summarizer.double.calls] == [sampling, None]


async def test_the_engine_gets_the_ids_and_limits_as_given(summarizer: Summarizer) -> None:
    """Nothing is added to the prompt; the deadline arrives with it."""
    await complete(summarizer.engine, (5, 2**20, 6), max_tokens=17, budget_s=20)
    (call,) = summarizer.double.calls
    assert (call.prompt_ids, call.max_tokens, call.stop_token_ids) == ((5, 2**20, 6), 17, (1,))
    assert 0 < call.deadline.remaining_s() <= 20.001


async def test_an_answer_ends_before_a_text_that_stops_it(summarizer: Summarizer) -> None:
    """Which is no part of it; the answer is complete."""
    summarizer.double.answer = lambda _: "night shift\nHere is why: it says so"
    cut = await summarizer.engine.complete(
        (5, 7, 6), max_tokens=50, stop_token_ids=(1,), stop=("\n",), deadline=Deadline.after(30)
    )
    assert (cut.text, cut.is_complete) == ("night shift", True)


async def test_an_answer_that_hits_the_limit_is_incomplete(summarizer: Summarizer) -> None:
    """``is_complete`` tells a finished summary from a cut one."""
    answer = await complete(summarizer.engine, max_tokens=2)
    assert (answer.is_complete, answer.num_output_tokens, len(answer.text.split())) == (False, 2, 2)


async def test_a_prompt_over_the_context_is_refused(summarizer: Summarizer) -> None:
    """Prompt and answer must fit together."""
    with pytest.raises(PromptTooLong):
        await complete(summarizer.engine, tuple(range(60)), max_tokens=41)
    assert (await complete(summarizer.engine, tuple(range(60)), max_tokens=40)).num_prompt_tokens == 60


@pytest.mark.parametrize(
    "error",
    [
        BackendTimeout("slow", backend="summarizer", operation="complete"),
        BackendUnavailable("loading", backend="summarizer", operation="complete"),
        BackendProtocolError("broken", backend="summarizer", operation="complete"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_keeps_its_class_and_the_next_call_succeeds(summarizer: Summarizer, error: PrecisError) -> None:
    """What a caller acts on, the class, crosses the wire."""
    summarizer.double.fail_next(error)
    with pytest.raises(type(error)):
        await complete(summarizer.engine)
    assert (await complete(summarizer.engine)).is_complete


async def test_a_refusal_brings_its_hint_and_is_not_tried_again(summarizer: Summarizer) -> None:
    """``Overloaded`` says when to come back."""
    summarizer.double.fail_next(Overloaded("full", retry_after_s=7.0))
    with pytest.raises(Overloaded) as caught:
        await complete(summarizer.engine)
    assert caught.value.retry_after_s == 7.0
    assert len(summarizer.double.calls) == 1


async def test_a_spent_deadline_reaches_no_engine(summarizer: Summarizer) -> None:
    """With nothing left nothing is computed."""
    with pytest.raises(DeadlineExceeded):
        await complete(summarizer.engine, budget_s=0)
    await summarizer.double.wait_idle()
    assert summarizer.double.num_in_flight == 0


async def test_a_deadline_that_passes_ends_the_work(summarizer: Summarizer) -> None:
    """The caller gets ``DeadlineExceeded``, and the engine does not go on for nobody."""
    summarizer.double.hold()
    with pytest.raises(DeadlineExceeded):
        await complete(summarizer.engine, budget_s=0.05)
    await summarizer.double.wait_idle()
    assert summarizer.double.num_in_flight == 0


async def test_cancelling_the_call_ends_the_work(summarizer: Summarizer) -> None:
    """A caller that goes away takes its work with it."""
    summarizer.double.hold()
    task = asyncio.create_task(complete(summarizer.engine))
    await summarizer.double.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await summarizer.double.wait_idle()
    assert (summarizer.double.num_in_flight, summarizer.double.num_cancelled) == (0, 1)


async def test_calls_run_side_by_side(summarizer: Summarizer) -> None:
    """Ten calls are under way at once, and each gets its own answer."""
    summarizer.double.hold()
    prompts = [(5, index, 6) for index in range(10)]
    tasks = [asyncio.create_task(complete(summarizer.engine, prompt)) for prompt in prompts]
    await summarizer.double.wait_in_flight(10)
    summarizer.double.release.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.text for answer in answers] == [digest_text(prompt) for prompt in prompts]


async def test_revision_is_what_is_loaded_now(summarizer: Summarizer) -> None:
    """Asked again after a change, it has changed."""
    summarizer.double.model_revision = "weights-1"
    assert await summarizer.engine.revision() == "weights-1"
    summarizer.double.model_revision = "weights-2"
    assert await summarizer.engine.revision() == "weights-2"


async def test_close_is_idempotent(summarizer: Summarizer) -> None:
    """Shutting down twice is no error."""
    await summarizer.engine.close()
    await summarizer.engine.close()
