"""Scoring jobs in turn: one pack of one job per step, so that a large request does not block a small one."""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from models.engine.errors import InternalFault, NumericalFault
from models.engine.jobs import ScoreJob, ScoreResult
from models.engine.packing import Pack, plan_packs
from models.engine.scoring import Prefix, encode_pack, label_logits, label_logprobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.engine.errors import RequestError
    from models.engine.layers import Model
    from models.engine.telemetry import Telemetry

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Run:
    """A job with what is left of it."""

    job: ScoreJob
    prefix: Prefix
    packs: deque[Pack]
    scores: dict[int, list[float]] = field(default_factory=dict)
    logprobs: dict[int, list[float]] = field(default_factory=dict)
    num_computed_tokens: int = 0


class ScoreLane:
    """Computes scoring jobs. Consumes submitted jobs; resolves their ``done``. Owned by the engine's thread."""

    def __init__(
        self, model: Model, *, max_batch_tokens: int, clock: Callable[[], float], telemetry: Telemetry
    ) -> None:
        """Start empty.

        Args:
            model: The decoder.
            max_batch_tokens: Item rows of one pass.
            clock: Monotonic seconds.
            telemetry: Where passes are counted.
        """
        self._model = model
        self._max_batch_tokens = max_batch_tokens
        self._clock = clock
        self._telemetry = telemetry
        self._runs: deque[_Run] = deque()

    @property
    def has_work(self) -> bool:
        """A step would do something."""
        return bool(self._runs)

    def submit(self, job: ScoreJob) -> None:
        """Add a job behind the others; one without items is done at once."""
        lengths = [len(item) for item in job.items]
        run = _Run(job=job, prefix=Prefix(job.prefix), packs=deque(plan_packs(lengths, self._max_batch_tokens)))
        if run.packs:
            self._runs.append(run)
        else:
            job.done.set_result(_result(run))

    def step(self) -> None:
        """Compute one pack of the first job that still wants it, and put that job behind the others."""
        while self._runs:
            run = self._runs.popleft()
            interruption = run.job.interruption(self._clock())
            if interruption is None:
                self._compute(run)
                return
            run.job.done.set_exception(interruption)

    def fail_all(self, error: RequestError) -> None:
        """Give up every job."""
        while self._runs:
            self._runs.popleft().job.done.set_exception(error)

    def _compute(self, run: _Run) -> None:
        job = run.job
        started = self._clock()
        job.started_at = started if job.started_at is None else job.started_at
        pack = run.packs.popleft()
        items = [job.items[index] for index in pack.indices]
        num_rows = sum(map(len, items)) + (0 if run.prefix.is_computed else len(job.prefix))
        try:
            values, logprobs = _label_values(self._model, run, items)
        except Exception:  # noqa: BLE001 - a bug or memory; nothing is shared between jobs, so this one alone is lost
            _log.exception("engine.score_pass_failed items=%d tokens=%d", len(items), num_rows)
            job.done.set_exception(InternalFault("the scoring pass failed; the engine's log says why"))
            return
        run.num_computed_tokens += num_rows
        self._telemetry.observe_pass("score", num_sequences=len(items), num_tokens=num_rows, started=started)
        run.scores.update(zip(pack.indices, values, strict=True))
        run.logprobs.update(zip(pack.indices, logprobs, strict=True))
        if not all(math.isfinite(value) for row in values for value in row):
            job.done.set_exception(NumericalFault("the model gave a score that is not a finite number"))
        elif run.packs:
            self._runs.append(run)
        else:
            job.done.set_result(_result(run))


@torch.inference_mode()
def _label_values(model: Model, run: _Run, items: list[list[int]]) -> tuple[list[list[float]], list[list[float]]]:
    """Scores and, where needed, log-probabilities of one pack, in the order of ``items``."""
    job = run.job
    hidden_IE = encode_pack(model, run.prefix, items)
    logprobs: list[list[float]] = []
    if job.wants_logprobs or not job.is_softmax_over_labels:
        logprobs_IL = label_logprobs(model, hidden_IE, job.label_token_ids)
        logprobs = logprobs_IL.tolist()
        if not job.is_softmax_over_labels:
            return logprobs_IL.exp().tolist(), logprobs
        return logprobs_IL.softmax(-1).tolist(), logprobs
    return label_logits(model, hidden_IE, job.label_token_ids).softmax(-1).tolist(), [[]] * len(items)


def _result(run: _Run) -> ScoreResult:
    order = range(len(run.job.items))
    return ScoreResult(
        scores=[run.scores[index] for index in order],
        logprobs=[run.logprobs[index] for index in order] if run.job.wants_logprobs else None,
        num_computed_tokens=run.num_computed_tokens,
    )
