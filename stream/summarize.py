"""One summary of one body: from the model, from the body itself, or extractive when the model does not answer.

A body at or below the target length needs no model: it is its own summary, fresh, with no summarizer named.

What the model wrote passes the faithfulness gate, or it is asked once more, drawing instead of taking the likeliest
tokens: greedy decoding would say the same again. Where that does not pass either, the extractive summary is stored.
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence

from models.bundle import Manifest
from models.clients.ports import Completion, Sampling, SummarizerEngine
from models.faithfulness import Verdict, judge_answer
from models.prompts import SummarizerPrompt
from schemas.deadline import Deadline
from schemas.documents import State, SummarizerId
from schemas.errors import BackendTimeout, BackendUnavailable, DeadlineExceeded
from stream.backoff import backoff_s
from stream.compose import Summary
from stream.telemetry import Telemetry

__all__ = ["Summarizer", "retry_sampling"]

_RETRY_TEMPERATURE = 0.7
_RETRY_TOP_P = 0.95
_LINE_END = ("\n",)
"""Ends an answer: a summary is one line, and what a model adds below it would have the gate refuse all of it."""


def retry_sampling(prompt_ids: Sequence[int]) -> Sampling:
    """How the second answer to a prompt is drawn: the seed comes from the prompt, so the answer depends on it alone."""
    digest = hashlib.sha256(",".join(map(str, prompt_ids)).encode()).digest()
    seed = int.from_bytes(digest[:4], "big") >> 1  # 31 bits: what every engine takes
    return Sampling(temperature=_RETRY_TEMPERATURE, top_p=_RETRY_TOP_P, seed=seed)


class Summarizer:
    """Asks the engine, inside a time budget. May be called concurrently."""

    def __init__(
        self,
        engine: SummarizerEngine,
        prompt: SummarizerPrompt,
        extract: Callable[[str], str],
        *,
        manifest: Manifest,
        budget_s: float,
        telemetry: Telemetry,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Put together.

        Args:
            engine: Who is asked.
            prompt: How.
            extract: What is stored of a body where the model gives nothing: measured by the ranker, who reads it.
            manifest: Of the model: its name is kept with every summary, and where it is extractive, phrases of an
                answer that are not the body's are dropped before the gate judges.
            budget_s: Time for one summary, retries and second answer included, in seconds.
            telemetry: Where calls, refused answers and fallbacks are counted.
            rng: Jitter of the waits between retries.
            sleep: How to wait, in seconds.
        """
        self._engine = engine
        self._prompt = prompt
        self._extract = extract
        self._num_marks = len(prompt.prompt_ids(""))
        self._manifest = manifest
        self._budget_s = budget_s
        self._telemetry = telemetry
        self._rng = rng or random.Random()
        self._sleep = sleep

    async def summarize(self, body: str) -> Summary:
        """The summary of a body.

        Raises:
            Overloaded: The engine refused work for now. Waiting it out is the caller's: it costs no budget here.
            BackendProtocolError: The engine answered in another form.
            PromptTooLong: The engine's context is shorter than the bundle's limits.
        """
        # The tokenizer works without the interpreter's lock: beside the event loop, not in its way.
        prompt_ids = await asyncio.to_thread(self._prompt.prompt_ids, body)
        if len(prompt_ids) - self._num_marks <= self._prompt.max_output_tokens:
            self._telemetry.calls_saved.labels("short").inc()
            return Summary(self._prompt.summary(body), State.FRESH, None)
        deadline = Deadline.after(self._budget_s)
        try:
            completion = await self._complete(prompt_ids, deadline)
            text, verdict = self._judged(completion, body)
            if verdict.reason is not None:
                self._telemetry.gate_rejections.labels(verdict.reason.value).inc()
                completion = await self._complete(prompt_ids, deadline, retry_sampling(prompt_ids))
                text, verdict = self._judged(completion, body)
        except DeadlineExceeded:
            return self._fallback(body, "deadline")
        except (BackendTimeout, BackendUnavailable):
            return self._fallback(body, "unavailable")
        if verdict.reason is not None:
            return self._fallback(body, verdict.reason.value)
        return Summary(text, State.FRESH, SummarizerId(**self._identity(completion)))

    def _judged(self, completion: Completion, body: str) -> tuple[str, Verdict]:
        """The text to store, and what the gate says of it."""
        return judge_answer(
            completion.text,
            self._prompt.summary(completion.text),
            body,
            is_finished=completion.is_complete,
            is_extractive=self._manifest.is_extractive,
        )

    async def _complete(
        self, prompt_ids: list[int], deadline: Deadline, sampling: Sampling | None = None
    ) -> Completion:
        attempt = 0
        while True:
            attempt += 1
            try:
                self._telemetry.model_calls.inc()
                return await self._engine.complete(
                    prompt_ids,
                    max_tokens=self._prompt.max_output_tokens,
                    stop_token_ids=self._prompt.stop_token_ids,
                    stop=_LINE_END,
                    deadline=deadline,
                    sampling=sampling,
                )
            except (BackendTimeout, BackendUnavailable):
                wait_s = backoff_s(attempt, self._rng)
                if wait_s >= deadline.remaining_s():
                    raise
                await self._sleep(wait_s)

    def _fallback(self, body: str, reason: str) -> Summary:
        self._telemetry.fallbacks.labels(reason).inc()
        return Summary(self._extract(body), State.FALLBACK, None, cause=reason)

    def _identity(self, completion: Completion) -> dict[str, str]:
        return {"model": self._manifest.name, "revision": completion.revision, "prompt_version": self._prompt.version}
