"""The judging of many pairs: a few at a time, each written as it is judged, failures counted."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from models.labels.endpoint import Endpoint
from models.labels.growing import GrowingLabels
from models.labels.judgement import Judgement, Method, from_samples, from_tokens
from models.labels.pairs import Pair
from models.labels.prompt import JudgePrompt
from models.labels.wires import Asked, Replied, payload_of, read_reply
from schemas.errors import BackendProtocolError, InvalidInput, PrecisError

__all__ = ["Judge", "Tally", "judge_pairs", "label_row"]

_DIGITS_KEPT = 6


@dataclass(slots=True)
class Tally:
    """What a run has done so far.

    Attributes:
        num_judged: Pairs that this run labelled.
        num_skipped: Pairs that had a label before, and repetitions.
        failures: What was wrong with each pair that has none, with its place.
        mass: Sum of ``Judgement.mass`` over the judged pairs.
    """

    num_judged: int = 0
    num_skipped: int = 0
    failures: list[str] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    mass: float = 0.0


class Judge:
    """Asks about one pair. May be used concurrently, by the tasks of one event loop."""

    def __init__(self, endpoint: Endpoint, asked: Asked, prompt: JudgePrompt, num_samples: int) -> None:
        """Ask nothing yet.

        Args:
            endpoint: Whom.
            asked: How.
            prompt: Renders pairs.
            num_samples: Answers to a pair where the method is samples.
        """
        self._endpoint = endpoint
        self._asked = asked
        self._prompt = prompt
        self._num_samples = num_samples

    async def method_for(self, pair: Pair) -> Method:
        """The best method that the endpoint allows, found by asking for token probabilities once.

        Raises:
            PrecisError: As ``Endpoint.post``, except for a refusal of probabilities.
        """
        fallback = Method.SAMPLES if self._num_samples > 1 else Method.DIGIT
        try:
            replied = await self._reply(pair, Method.LOGPROBS)
        except (BackendProtocolError, InvalidInput) as error:
            # Another complaint is about this pair, and comes again when its turn does.
            return fallback if "logprob" in str(error).lower() else Method.LOGPROBS
        return Method.LOGPROBS if replied.tokens else fallback

    async def judge(self, pair: Pair, method: Method, tally: Tally) -> Judgement:
        """Judge a pair; what it cost is added to the tally.

        Raises:
            InvalidInput: The answer holds no grade, or the prompt does not fit the model.
            PrecisError: As ``Endpoint.post``.
        """
        if method is not Method.SAMPLES:
            replied = await self._reply(pair, method)
            _count(tally, replied)
            if method is Method.DIGIT:
                return from_samples(replied.texts[:1], method)
            if not replied.tokens:
                raise InvalidInput("the endpoint gave no token probabilities for this pair")
            return from_tokens(replied.tokens)
        texts: list[str] = []
        while len(texts) < self._num_samples:  # some servers ignore `n` and give one choice
            wanted = self._num_samples - len(texts)
            replied = await self._reply(pair, method, num_answers=wanted, seed=len(texts))
            _count(tally, replied)
            texts += replied.texts[:wanted]
        return from_samples(texts, method)

    async def _reply(self, pair: Pair, method: Method, *, num_answers: int = 1, seed: int = 0) -> Replied:
        payload = payload_of(self._asked, self._prompt, pair, method, num_answers=num_answers, seed=seed)
        return read_reply(self._asked.api, await self._endpoint.post(self._asked.api.path, payload))


def label_row(pair: Pair, judgement: Judgement) -> dict[str, Any]:
    """The line of a judged pair."""
    return {
        "pair": pair.key,
        **({} if pair.query_id is None else {"query_id": pair.query_id}),
        "query": pair.query,
        "job_id": pair.job_id,
        "label": round(judgement.label, _DIGITS_KEPT),
        "grade": round(judgement.grade, _DIGITS_KEPT),
        "probabilities": [round(part, _DIGITS_KEPT) for part in judgement.probabilities],
        "mass": round(judgement.mass, _DIGITS_KEPT),
        "method": judgement.method.value,
        "num_samples": judgement.num_samples,
    }


async def judge_pairs(
    pairs: Iterator[Pair],
    ask: Callable[[Pair], Awaitable[Judgement]],
    labels: GrowingLabels,
    tally: Tally,
    *,
    concurrency: int,
    max_failures: int,
    on_progress: Callable[[], None],
) -> None:
    """Judge every pair that has no label yet. Cancelled, it leaves the file whole.

    Args:
        pairs: In order; read as far as they are needed.
        ask: Judges one.
        labels: Grows by a line a pair, in order of completion.
        tally: Counts what is done.
        concurrency: Pairs at a time.
        max_failures: Pairs that may fail on their own account; one more ends the run.
        on_progress: Called after each pair.

    Raises:
        InvalidInput: Too many pairs failed; or a line of the pairs is wrong.
        PrecisError: What ends a run: a refused key, an endpoint that is away for too long.
    """
    taken = set(labels.finished)

    async def work() -> None:
        for pair in pairs:  # one iterator for all workers: none waits between asking for a pair and having it
            if pair.key in taken:
                tally.num_skipped += 1
                continue
            taken.add(pair.key)
            try:
                judgement = await ask(pair)
            except (InvalidInput, BackendProtocolError) as error:
                _fail(tally, pair, error, max_failures)
            else:
                labels.append(pair.key, label_row(pair, judgement))
                tally.num_judged += 1
                tally.mass += judgement.mass
            on_progress()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except ExceptionGroup as error:
        raise _first(error) from error


def _fail(tally: Tally, pair: Pair, error: PrecisError, max_failures: int) -> None:
    tally.failures.append(f"{pair.place} (job {pair.job_id}): {error}")
    if len(tally.failures) > max_failures:
        raise InvalidInput(f"{len(tally.failures)} pairs could not be judged, the last: {tally.failures[-1]}")


def _first(group: ExceptionGroup) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _count(tally: Tally, replied: Replied) -> None:
    tally.prompt_tokens += replied.prompt_tokens
    tally.completion_tokens += replied.completion_tokens
