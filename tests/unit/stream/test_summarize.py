"""One summary of one body: when the model is asked, how long, and what stands in for it."""

import random
from collections.abc import Sequence

import pytest

from models.bundle import Manifest, PromptLimits, Role
from models.prompts import RankerPrompt, SummarizerPrompt
from schemas.documents import State, SummarizerId
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    DeadlineExceeded,
    Overloaded,
    PrecisError,
    PromptTooLong,
)
from stream.summarize import Summarizer, retry_sampling
from stream.telemetry import Telemetry
from tests.doubles.engines import ScriptedSummarizer, digest_text
from tests.doubles.tokenizer import small_tokenizer

LONG = "We are looking for a registered nurse in Berlin. Night shift, part time, 21 EUR an hour. " * 10
PROMPT = SummarizerPrompt(small_tokenizer(), PromptLimits())
READER = RankerPrompt(small_tokenizer(), PromptLimits(summary=40))
AWAY = BackendUnavailable("no connection", backend="summarizer", operation="complete")
SLOW = BackendTimeout("no answer", backend="summarizer", operation="complete")


class NoSleep:
    """Notes the waits.

    Attributes:
        waits_s: Seconds asked for, in order.
    """

    def __init__(self) -> None:
        self.waits_s: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits_s.append(seconds)


def make(
    engine: ScriptedSummarizer,
    *,
    is_extractive: bool = False,
    budget_s: float = 60.0,
    sleep: NoSleep | None = None,
) -> tuple[Summarizer, Telemetry]:
    telemetry = Telemetry()
    summarizer = Summarizer(
        engine,
        PROMPT,
        READER.extract,
        manifest=Manifest(
            role=Role.SUMMARIZER, name="tiny", prompt_version=PROMPT.version, is_extractive=is_extractive
        ),
        budget_s=budget_s,
        telemetry=telemetry,
        rng=random.Random(7),
        sleep=sleep or NoSleep(),
    )
    return summarizer, telemetry


def value(telemetry: Telemetry, name: str, **labels: str) -> float:
    return telemetry.registry.get_sample_value(f"precis_nearline_{name}", labels) or 0.0


async def test_long_body_is_summarised_by_the_model() -> None:
    """The prompt is the one that models.prompts renders, and the summary says who wrote it."""
    engine = ScriptedSummarizer(revision="r7")
    summarizer, telemetry = make(engine)
    summary = await summarizer.summarize(LONG)
    assert summary.state is State.FRESH
    assert summary.summarizer == SummarizerId(model="tiny", revision="r7", prompt_version=PROMPT.version)
    assert summary.text == digest_text(engine.calls[0].prompt_ids)
    assert engine.calls[0].prompt_ids == tuple(PROMPT.prompt_ids(LONG))
    assert engine.calls[0].max_tokens == PROMPT.max_output_tokens
    assert value(telemetry, "model_calls_total") == 1


async def test_what_a_model_adds_below_its_summary_is_not_asked_for() -> None:
    """The engine is told to stop there: the gate would refuse several lines, and a second answer cost a call."""
    line = LONG.split(".", maxsplit=1)[0]
    engine = ScriptedSummarizer(lambda _: f"{line}\n\nI chose this since it stands at the top.")
    summarizer, telemetry = make(engine)
    summary = await summarizer.summarize(LONG)
    assert (summary.text, summary.state) == (line, State.FRESH)
    assert value(telemetry, "model_calls_total") == 1


@pytest.mark.parametrize("body", ["", "Night shift.\nPart time."])
async def test_short_body_is_its_own_summary(body: str) -> None:
    """At or below the target length no model is asked; the summary is fresh and on one line."""
    engine = ScriptedSummarizer()
    summarizer, telemetry = make(engine)
    summary = await summarizer.summarize(body)
    assert (summary.text, summary.state, summary.summarizer) == (" ".join(body.split()), State.FRESH, None)
    assert engine.calls == []
    assert value(telemetry, "model_calls_saved_total", reason="short") == 1


async def test_the_target_length_is_where_the_model_begins() -> None:
    """A body of exactly the target length is its own summary; one token more asks the model."""
    engine, word = ScriptedSummarizer(), "nurse "
    limit = PROMPT.max_output_tokens
    bodies = [(word * number).strip() for number in range(1, limit + 2)]
    exact = max((body for body in bodies if small_tokenizer().count(body) <= limit), key=len)
    summarizer, _ = make(engine)
    await summarizer.summarize(exact)
    assert engine.calls == []
    await summarizer.summarize(f"{exact} nurse nurse")
    assert len(engine.calls) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ("night\u0000shift", "broken_form"),
        ("night shift\x07 part time", "broken_form"),
        ("night shift; 40 EUR an hour", "number"),
        ("night shift in Lisbon", "place"),
        ("a CPA in Berlin", "credential"),
        ("a nurse who knows Terraform", "term"),
        ("a nurse " + "and a carer or " * 80, "broken_form"),
        (" ".join(digest_text([number]).replace(" ", "") for number in range(40)), "longer"),
    ],
)
async def test_an_answer_refused_twice_becomes_a_fallback(answer: str, reason: str) -> None:
    """The model is asked once more; then the beginning of the body stands in, and the reason is counted and kept."""
    engine = ScriptedSummarizer(lambda _: answer)
    summarizer, telemetry = make(engine)
    summary = await summarizer.summarize(LONG)
    assert (summary.state, summary.summarizer, summary.cause) == (State.FALLBACK, None, reason)
    assert summary.text.startswith("We are looking for a registered nurse in Berlin.")
    assert small_tokenizer().count(summary.text) <= PROMPT.max_output_tokens
    assert len(engine.calls) == 2
    assert value(telemetry, "gate_rejections_total", reason=reason) == 1
    assert value(telemetry, "fallbacks_total", reason=reason) == 1


async def test_a_second_answer_that_passes_is_fresh() -> None:
    """A retry that helped is seen: the first answer is counted as refused, no fallback is."""
    engine = ScriptedSummarizer(lambda _: "40 EUR an hour", sampled_answer=lambda _: "21 EUR an hour")
    summarizer, telemetry = make(engine)
    summary = await summarizer.summarize(LONG)
    assert (summary.text, summary.state, summary.cause) == ("21 EUR an hour", State.FRESH, None)
    assert value(telemetry, "gate_rejections_total", reason="number") == 1
    assert value(telemetry, "fallbacks_total", reason="number") == 0


async def test_the_second_answer_is_drawn_by_the_prompt_alone() -> None:
    """The first call is greedy; the second is sampled with a seed that the prompt gives, so a crash changes nothing."""
    engine = ScriptedSummarizer(lambda _: "")
    for body in (LONG, LONG, LONG + "Other."):
        await make(engine)[0].summarize(body)
    drawn = [call.sampling for call in engine.calls]
    assert drawn[::2] == [None, None, None]
    assert drawn[1] == drawn[3] == retry_sampling(PROMPT.prompt_ids(LONG))
    assert drawn[1] is not None
    assert drawn[5] is not None
    assert drawn[1].seed != drawn[5].seed
    assert 0 <= drawn[1].seed < 2**31
    assert drawn[1].temperature > 0


async def test_both_answers_share_one_budget() -> None:
    """The second call has the deadline of the first, and a budget spent on it is the fallback's cause."""
    engine = ScriptedSummarizer(lambda _: "", script=[None, DeadlineExceeded("too late")])
    summarizer, telemetry = make(engine)
    summary = await summarizer.summarize(LONG)
    assert (summary.state, summary.cause) == (State.FALLBACK, "deadline")
    assert engine.calls[0].deadline == engine.calls[1].deadline
    assert value(telemetry, "gate_rejections_total", reason="empty") == 1
    assert value(telemetry, "fallbacks_total", reason="deadline") == 1


async def test_an_answer_cut_inside_a_word_is_refused() -> None:
    """The engine says that it ran into the limit."""
    words = " ".join(["night", "shift"] + [f"and {'abc'[n % 3]}{'xyz'[n % 2]}" for n in range(60)])
    summary = await make(ScriptedSummarizer(lambda _: words))[0].summarize(LONG)
    assert summary.cause == "broken_form"


async def test_phrases_that_an_extractive_model_made_up_are_dropped() -> None:
    """What is stored stands word for word in the body; the summary is still the model's."""
    held = LONG[7:30].rsplit(" ", 1)[0].split(" ", 1)[1]
    engine = ScriptedSummarizer(lambda _: f"a rocket licence; {held}; {held}; zzz")
    summary = await make(engine, is_extractive=True)[0].summarize(LONG)
    assert (summary.text, summary.state) == (held, State.FRESH)


async def test_an_extractive_answer_without_a_true_phrase_becomes_a_fallback() -> None:
    """Where nothing of the answer stands in the body, the beginning of the body stands in."""
    engine = ScriptedSummarizer(lambda _: "a rocket licence; zzz")
    summarizer, telemetry = make(engine, is_extractive=True)
    summary = await summarizer.summarize(LONG)
    assert (summary.state, summary.summarizer, summary.cause) == (State.FALLBACK, None, "credential")
    assert value(telemetry, "fallbacks_total", reason="credential") == 1


async def test_paraphrase_of_an_extractive_model_is_a_term_that_nobody_published() -> None:
    """It promised phrases of the body: words that the gate alone would let pass are refused too."""
    engine = ScriptedSummarizer(lambda _: "caring people wanted")
    assert (await make(engine, is_extractive=True)[0].summarize(LONG)).cause == "term"


async def test_a_phrase_that_lost_its_no_is_refused() -> None:
    """Word for word in the body, and yet the opposite of what it says: the gate looks at what the phrases leave."""
    body = "There is no weekend work here. " + LONG
    engine = ScriptedSummarizer(lambda _: "weekend work", sampled_answer=lambda _: "no weekend work; Night shift")
    summary = await make(engine, is_extractive=True)[0].summarize(body)
    assert (summary.text, summary.state) == ("no weekend work; Night shift", State.FRESH)


async def test_answer_is_cut_to_the_target() -> None:
    """Whatever an extractive model wrote, what is stored is one line within the budget."""

    def ramble(_: Sequence[int]) -> str:
        return "Night shift;\n" * 90

    summary = await make(ScriptedSummarizer(ramble), is_extractive=True)[0].summarize(LONG)
    assert (summary.text, summary.state) == ("Night shift", State.FRESH)


async def test_unreachable_engine_is_tried_again() -> None:
    """Inside the budget, with growing waits."""
    engine, sleep = ScriptedSummarizer(script=[AWAY, SLOW, AWAY]), NoSleep()
    summarizer, telemetry = make(engine, sleep=sleep)
    summary = await summarizer.summarize(LONG)
    assert summary.state is State.FRESH
    assert value(telemetry, "model_calls_total") == 4
    assert len(sleep.waits_s) == 3
    assert sleep.waits_s[2] > sleep.waits_s[0]


@pytest.mark.parametrize(("error", "reason"), [(AWAY, "unavailable"), (SLOW, "unavailable")])
async def test_spent_budget_becomes_a_fallback(error: PrecisError, reason: str) -> None:
    """Search is never without the posting: an extractive summary is stored, marked as such."""
    engine = ScriptedSummarizer(fail_when=lambda _: error)
    summarizer, telemetry = make(engine, budget_s=0.02)
    summary = await summarizer.summarize(LONG)
    assert summary.state is State.FALLBACK
    assert value(telemetry, "fallbacks_total", reason=reason) == 1


async def test_a_fallback_is_as_long_as_the_ranker_reads() -> None:
    """Its tokens are counted by the ranker's tokenizer and limit, not the summarizer's: no sentence would be cut."""
    summarizer, _ = make(ScriptedSummarizer(fail_when=lambda _: AWAY), budget_s=0.02)
    text = (await summarizer.summarize(LONG)).text
    assert LONG.startswith(text)
    assert 0 < READER.count_tokens(text) <= 40 < READER.count_tokens(f"{text} {LONG.split('. ', maxsplit=1)[0]}")


async def test_slow_engine_becomes_a_fallback() -> None:
    """The deadline passed while it worked."""
    engine = ScriptedSummarizer(script=[DeadlineExceeded("too late")])
    summarizer, telemetry = make(engine)
    assert (await summarizer.summarize(LONG)).state is State.FALLBACK
    assert value(telemetry, "fallbacks_total", reason="deadline") == 1


@pytest.mark.parametrize(
    "error",
    [
        Overloaded("full", retry_after_s=1),
        PromptTooLong("too long"),
        BackendProtocolError("not JSON", backend="summarizer", operation="complete"),
    ],
)
async def test_other_errors_are_the_callers(error: PrecisError) -> None:
    """Back-pressure and faults of the engine are not hidden behind a fallback."""
    engine = ScriptedSummarizer(script=[error])
    with pytest.raises(type(error)):
        await make(engine)[0].summarize(LONG)
    assert len(engine.calls) == 1


async def test_refusals_cost_no_budget() -> None:
    """Each call after a pause has the whole budget before it."""
    engine = ScriptedSummarizer(script=[Overloaded("full", retry_after_s=1), None])
    summarizer, _ = make(engine, budget_s=50)
    with pytest.raises(Overloaded):
        await summarizer.summarize(LONG)
    assert (await summarizer.summarize(LONG)).state is State.FRESH
    first, second = (call.deadline.at_s for call in engine.calls)
    assert second > first
