"""One summary of one body: from the model, from the body itself, or extractive when the model does not answer.

A body at or below the target length needs no model: it is its own summary, fresh, with no summarizer named.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from models.bundle import Manifest
from models.clients.ports import Completion, SummarizerEngine
from models.prompts import SummarizerPrompt, TextTokenizer, extractive_summary, supported_phrases
from schemas.deadline import Deadline
from schemas.documents import State, SummarizerId
from schemas.errors import BackendTimeout, BackendUnavailable, DeadlineExceeded
from stream.backoff import backoff_s
from stream.compose import Summary
from stream.telemetry import Telemetry

__all__ = ["Summarizer"]


class Summarizer:
    """Asks the engine, inside a time budget. May be called concurrently."""

    def __init__(
        self,
        engine: SummarizerEngine,
        prompt: SummarizerPrompt,
        tokenizer: TextTokenizer,
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
            tokenizer: The summarizer's, to measure bodies.
            manifest: Of the model: its name is kept with every summary, and where it is extractive, phrases of an
                answer that are not the body's are dropped.
            budget_s: Time for one summary, retries included, in seconds.
            telemetry: Where calls and fallbacks are counted.
            rng: Jitter of the waits between retries.
            sleep: How to wait, in seconds.
        """
        self._engine = engine
        self._prompt = prompt
        self._count_tokens = tokenizer.count
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
        prompt_ids = self._prompt.prompt_ids(body)
        if len(prompt_ids) - self._num_marks <= self._prompt.max_output_tokens:
            self._telemetry.calls_saved.labels("short").inc()
            return Summary(self._prompt.summary(body), State.FRESH, None)
        try:
            completion = await self._complete(prompt_ids, Deadline.after(self._budget_s))
        except DeadlineExceeded:
            return self._fallback(body, "deadline")
        except (BackendTimeout, BackendUnavailable):
            return self._fallback(body, "unavailable")
        text = self._prompt.summary(completion.text)
        if not text:
            # Decoding is greedy: asked again, the model would say nothing again.
            return self._fallback(body, "empty")
        if self._manifest.is_extractive and not (text := supported_phrases(text, body)):
            return self._fallback(body, "unfaithful")
        return Summary(text, State.FRESH, SummarizerId(**self._identity(completion)))

    async def _complete(self, prompt_ids: list[int], deadline: Deadline) -> Completion:
        attempt = 0
        while True:
            attempt += 1
            try:
                self._telemetry.model_calls.inc()
                return await self._engine.complete(
                    prompt_ids,
                    max_tokens=self._prompt.max_output_tokens,
                    stop_token_ids=self._prompt.stop_token_ids,
                    deadline=deadline,
                )
            except (BackendTimeout, BackendUnavailable):
                wait_s = backoff_s(attempt, self._rng)
                if wait_s >= deadline.remaining_s():
                    raise
                await self._sleep(wait_s)

    def _fallback(self, body: str, reason: str) -> Summary:
        self._telemetry.fallbacks.labels(reason).inc()
        text = extractive_summary(body, self._count_tokens, self._prompt.max_output_tokens)
        return Summary(text, State.FALLBACK, None)

    def _identity(self, completion: Completion) -> dict[str, str]:
        return {"model": self._manifest.name, "revision": completion.revision, "prompt_version": self._prompt.version}
