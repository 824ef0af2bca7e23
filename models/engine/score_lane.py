"""Scoring jobs in passes that they share: ``turns`` says whose items go next, ``scoring`` computes them.

A step:

1. Jobs whose client left or whose deadline passed leave, before anything is computed for them.
2. ``turns.plan_pass`` chooses items of the others.
3. One pass computes them. If it fails, each job's part is tried alone, and only a job that fails then is lost.
4. Values go to their jobs; a job with a value that is not finite fails, one with all its values is done.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch

from models.engine.errors import InternalFault, NumericalFault
from models.engine.jobs import ScoreJob, ScoreResult
from models.engine.scoring import Group, Prefix, encode_pass, label_logits, label_logprobs
from models.engine.turns import Claim, plan_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.engine.errors import RequestError
    from models.engine.layers import Model
    from models.engine.scoring import EncodePass
    from models.engine.telemetry import Telemetry

_log = logging.getLogger(__name__)
_DUE_WITHOUT_DEADLINE_S = 30.0
"""After its arrival a job without a deadline is due: it goes before what comes later with a longer deadline."""


@dataclass(slots=True, eq=False)
class _Run:
    """A job with what is left of it."""

    job: ScoreJob
    number: int
    """Of arrival."""
    prefix: Prefix
    left: deque[int]
    """Items not computed yet, the short ones first, so that passes pad little."""
    scores: dict[int, list[float]] = field(default_factory=dict)
    logprobs: dict[int, list[float]] = field(default_factory=dict)
    num_computed_tokens: int = 0

    def claim(self) -> Claim:
        """What it wants of the next pass."""
        job = self.job
        due = job.submitted_at + _DUE_WITHOUT_DEADLINE_S if job.deadline is None else job.deadline
        return Claim(
            due=(due, self.number),
            prefix=id(self.prefix),
            prefix_rows=self.prefix.num_rows_to_compute,
            lengths=[len(job.items[index]) for index in self.left],
        )


@dataclass(frozen=True, slots=True)
class _Share:
    """What one run has in a pass."""

    run: _Run
    indices: tuple[int, ...]

    @property
    def num_rows(self) -> int:
        """Rows of its items."""
        return sum(len(self.run.job.items[index]) for index in self.indices)


class ScoreLane:
    """Computes scoring jobs. Consumes submitted jobs; resolves their ``done``. Owned by the engine's thread."""

    def __init__(
        self,
        model: Model,
        *,
        max_batch_tokens: int,
        clock: Callable[[], float],
        telemetry: Telemetry,
        encode: EncodePass | None = None,
    ) -> None:
        """Start empty.

        Args:
            model: The decoder.
            max_batch_tokens: Rows of one pass.
            clock: Monotonic seconds.
            telemetry: Where passes are counted.
            encode: What computes a pass of the model; None takes ``scoring.encode_pass``.
        """
        self._model = model
        self._encode = encode or partial(encode_pass, model)
        self._max_batch_tokens = max_batch_tokens
        self._clock = clock
        self._telemetry = telemetry
        self._runs: list[_Run] = []
        self._num_submitted = 0
        self._is_size_first = False

    @property
    def has_work(self) -> bool:
        """A step would do something."""
        return bool(self._runs)

    def submit(self, job: ScoreJob) -> None:
        """Add a job; one without items is done at once. A prefix that a waiting job has too is computed once."""
        same = (run.prefix for run in self._runs if run.prefix.prompt == job.prefix)
        prefix = next(same, None) or Prefix(job.prefix)
        left = deque(sorted(range(len(job.items)), key=lambda index: len(job.items[index])))
        run = _Run(job=job, number=self._num_submitted, prefix=prefix, left=left)
        self._num_submitted += 1
        if left:
            self._runs.append(run)
        else:
            job.done.set_result(_result(run))

    def step(self) -> None:
        """Compute one pass; the protocol is the module's."""
        self._drop_interrupted()
        if not self._runs:
            return
        started = self._clock()
        claims = [run.claim() for run in self._runs]
        taken = plan_pass(claims, self._max_batch_tokens, is_size_first=self._is_size_first)
        self._is_size_first = not self._is_size_first
        shares = [
            _Share(run, tuple(run.left.popleft() for _ in range(num)))
            for run, num in zip(self._runs, taken, strict=True)
            if num
        ]
        for share in shares:
            if share.run.job.started_at is None:
                share.run.job.started_at = started
        self._compute(shares)
        self._runs = [run for run in self._runs if not run.job.done.done()]

    def fail_all(self, error: RequestError) -> None:
        """Give up every job."""
        for run in self._runs:
            _fail(run, error)
        self._runs.clear()

    def _drop_interrupted(self) -> None:
        now = self._clock()
        for run in self._runs:
            if (interruption := run.job.interruption(now)) is not None:
                _fail(run, interruption)
        self._runs = [run for run in self._runs if not run.job.done.done()]

    def _compute(self, shares: Sequence[_Share]) -> None:
        """One pass; where it fails, one for each share."""
        started = self._clock()
        groups, parts = _groups(shares)
        num_items = sum(len(share.indices) for share in shares)
        num_rows = sum(part.num_rows for part in parts)
        try:
            hidden_IE = self._encode(groups)
            values = [_label_values(self._model, part.share.run.job, hidden_IE[part.items]) for part in parts]
        except Exception:  # noqa: BLE001 - a bug or memory: whoever causes it is found, the others go on
            _log.exception("engine.score_pass_failed items=%d tokens=%d", num_items, num_rows)
            if len(shares) == 1:
                _fail(shares[0].run, InternalFault("the scoring pass failed; the engine's log says why"))
                return
            for share in shares:
                self._compute([share])
            return
        self._telemetry.observe_pass("score", num_sequences=num_items, num_tokens=num_rows, started=started)
        for part, (scores, logprobs) in zip(parts, values, strict=True):
            part.share.run.num_computed_tokens += part.num_rows
            _record(part.share, scores, logprobs)


@dataclass(frozen=True, slots=True)
class _Part:
    """A share in its place."""

    share: _Share
    items: slice
    """Among the items of the pass."""
    num_rows: int
    """Rows of the pass that are computed for it; those of a shared prefix count for the first share."""


def _groups(shares: Sequence[_Share]) -> tuple[list[Group], list[_Part]]:
    """Groups of a pass, one a prefix, and where each share stands in it."""
    by_prefix: dict[int, list[_Share]] = {}
    for share in shares:
        by_prefix.setdefault(id(share.run.prefix), []).append(share)
    groups: list[Group] = []
    parts: list[_Part] = []
    start = 0
    for together in by_prefix.values():
        prefix = together[0].run.prefix
        groups.append(Group(prefix, [share.run.job.items[index] for share in together for index in share.indices]))
        num_prefix_rows = prefix.num_rows_to_compute
        for share in together:
            end = start + len(share.indices)
            parts.append(_Part(share, slice(start, end), num_prefix_rows + share.num_rows))
            start, num_prefix_rows = end, 0
    return groups, parts


@torch.inference_mode()
def _label_values(model: Model, job: ScoreJob, hidden_IE: torch.Tensor) -> tuple[list[list[float]], list[list[float]]]:
    """Scores and, where needed, log-probabilities of one job's items of a pass."""
    if not job.wants_logprobs and job.is_softmax_over_labels:
        scores = label_logits(model, hidden_IE, job.label_token_ids).softmax(-1).tolist()
        return scores, [[]] * len(scores)
    logprobs_IL = label_logprobs(model, hidden_IE, job.label_token_ids)
    scores_IL = logprobs_IL.softmax(-1) if job.is_softmax_over_labels else logprobs_IL.exp()
    return scores_IL.tolist(), logprobs_IL.tolist()


def _record(share: _Share, scores: list[list[float]], logprobs: list[list[float]]) -> None:
    run = share.run
    run.scores.update(zip(share.indices, scores, strict=True))
    run.logprobs.update(zip(share.indices, logprobs, strict=True))
    if not all(math.isfinite(value) for row in scores for value in row):
        _fail(run, NumericalFault("the model gave a score that is not a finite number"))
    elif not run.left:
        run.job.done.set_result(_result(run))


def _fail(run: _Run, error: RequestError) -> None:
    run.job.done.set_exception(error)


def _result(run: _Run) -> ScoreResult:
    order = range(len(run.job.items))
    return ScoreResult(
        scores=[run.scores[index] for index in order],
        logprobs=[run.logprobs[index] for index in order] if run.job.wants_logprobs else None,
        num_computed_tokens=run.num_computed_tokens,
    )
