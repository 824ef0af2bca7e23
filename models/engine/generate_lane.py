"""Completion jobs by continuous batching.

A step prefills a bounded chunk of the waiting prompts, then decodes one token for every running sequence. Sequences
join when their prompt is computed and leave when they finish.

Shape suffixes: S running sequences, E hidden size, V vocabulary.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import torch

from models.engine.completion import CompletionRun
from models.engine.decoding import DecodeBatch
from models.engine.errors import NumericalFault
from models.engine.sampling import choose_tokens
from models.engine.sequence_cache import SequenceCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.engine.completion import Decode
    from models.engine.config import Limits
    from models.engine.decoding import NewDecodeBatch
    from models.engine.errors import RequestError
    from models.engine.jobs import Completion, GenerateJob
    from models.engine.layers import Model
    from models.engine.telemetry import Telemetry


class GenerateLane:
    """Computes completion jobs. Consumes submitted jobs; resolves their ``done``. Owned by the engine's thread."""

    def __init__(
        self,
        model: Model,
        *,
        limits: Limits,
        kv_cache_tokens: int,
        decode: Decode | None,
        new_batch: NewDecodeBatch = DecodeBatch,
        clock: Callable[[], float],
        telemetry: Telemetry,
    ) -> None:
        """Start empty.

        Args:
            model: The decoder.
            limits: Sequences at a time, and prompt tokens per step.
            kv_cache_tokens: Bound of the decode cache.
            decode: Token ids to text, for stop strings.
            new_batch: Makes empty decode batches of the model.
            clock: Monotonic seconds.
            telemetry: Where passes are counted.
        """
        self._model = model
        self._limits = limits
        self._decode = decode
        self._clock = clock
        self._telemetry = telemetry
        self._new_batch = new_batch
        self._batch = new_batch(model, kv_cache_tokens)
        self._waiting: deque[CompletionRun] = deque()
        self._running: list[CompletionRun] = []  # row order of the batch
        self._results: dict[GenerateJob, dict[int, Completion]] = {}

    @property
    def has_work(self) -> bool:
        """A step would do something."""
        return bool(self._waiting or self._running)

    def submit(self, job: GenerateJob) -> None:
        """Add the prompts of a job behind the others."""
        self._results[job] = {}
        self._waiting.extend(CompletionRun(job, index, self._decode) for index in range(len(job.prompts)))

    def step(self) -> None:
        """Drop what nobody waits for; prefill a chunk; decode one token everywhere."""
        self._drop_interrupted()
        self._prefill_chunk()
        if self._running:
            self._decode_step()

    def fail_all(self, error: RequestError) -> None:
        """Give up every job, and start from an empty cache."""
        for job in list(self._results):
            self._fail(job, error)
        self._waiting.clear()
        self._running.clear()
        self._batch = self._new_batch(self._model, self._batch.max_tokens)

    def _drop_interrupted(self) -> None:
        now = self._clock()
        for job in list(self._results):
            if (interruption := job.interruption(now)) is not None:
                self._fail(job, interruption)

    def _prefill_chunk(self) -> None:
        """Compute up to ``prefill_chunk_tokens`` prompt tokens: whole prompts, or a part of one that is longer."""
        limit = budget = self._limits.prefill_chunk_tokens
        while budget and self._waiting and self._has_room(self._waiting[0]):
            run, started = self._waiting[0], self._clock()
            if budget < limit and len(run.prompt) > budget:
                return  # cutting it only to fill this chunk would cost one pass more
            if run.cache is None:
                run.cache = SequenceCache(self._model, len(run.prompt))
                run.job.started_at = started if run.job.started_at is None else run.job.started_at
            begin = run.cache.num_tokens
            chunk = run.prompt[begin : begin + budget]
            hidden_1E = run.cache.extend(chunk, is_end=begin + len(chunk) == len(run.prompt))
            budget -= len(chunk)
            self._telemetry.observe_pass("prefill", num_sequences=1, num_tokens=len(chunk), started=started)
            if hidden_1E is not None:
                self._join(self._waiting.popleft(), run.cache, hidden_1E)

    def _has_room(self, run: CompletionRun) -> bool:
        return len(self._running) < self._limits.max_running and self._batch.has_room(run.num_reserved)

    def _join(self, run: CompletionRun, cache: SequenceCache, hidden_1E: torch.Tensor) -> None:
        """Choose the first token; a sequence that is not finished by it starts decoding."""
        run.cache = None
        if not self._advance([run], hidden_1E):
            self._batch.join(cache, run.num_reserved)
            self._running.append(run)

    def _decode_step(self) -> None:
        started, num_running = self._clock(), len(self._running)
        hidden_SE = self._batch.step([run.token_ids[-1] for run in self._running])
        for run in self._advance(self._running, hidden_SE):
            self._leave(run)
        self._telemetry.observe_pass("decode", num_sequences=num_running, num_tokens=num_running, started=started)

    @torch.inference_mode()
    def _advance(self, runs: list[CompletionRun], hidden_SE: torch.Tensor) -> list[CompletionRun]:
        """Choose a token for each run; returns the runs that finished with it, their results recorded."""
        logits_SV = self._model.logits(hidden_SE).float()
        choices = choose_tokens(logits_SV, [run.job.sampling for run in runs], [run.generator for run in runs])
        finished: list[CompletionRun] = []
        broken: list[GenerateJob] = []
        for run, choice in zip(runs, choices, strict=True):
            if not choice.is_finite:
                broken.append(run.job)
                finished.append(run)
            elif run.append(choice):
                self._record(run)
                finished.append(run)
        for job in broken:
            self._fail(job, NumericalFault("the model gave logits that are not finite numbers"))
        return finished

    def _record(self, run: CompletionRun) -> None:
        results = self._results.get(run.job)
        if results is None:
            return
        results[run.index] = run.result()
        if len(results) == len(run.job.prompts):
            del self._results[run.job]
            run.job.done.set_result([results[index] for index in range(len(results))])

    def _fail(self, job: GenerateJob, error: RequestError) -> None:
        """Resolve the job with an error and take its prompts out, wherever they are."""
        if self._results.pop(job, None) is None:
            return
        job.done.set_exception(error)
        self._waiting = deque(run for run in self._waiting if run.job is not job)
        for run in [run for run in self._running if run.job is job]:
            self._leave(run)

    def _leave(self, run: CompletionRun) -> None:
        """Take a sequence out of the batch, with the renumbering that the batch does."""
        if run not in self._running:
            return
        row = self._running.index(run)
        last = self._running.pop()
        if last is not run:
            self._running[row] = last
        self._batch.leave(row)
