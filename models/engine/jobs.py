"""What waits for the engine's thread: one job a request, with its deadline, and the answer it ends in."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.engine.errors import ClientGone, DeadlineExceeded, RequestError

if TYPE_CHECKING:
    from models.engine.sampling import Sampling, TokenLogprobs


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One request on its way through the engine.

    The HTTP loop makes it, may set ``is_abandoned``, and awaits ``done``. The engine's thread does the rest.
    """

    num_tokens: int
    """Token rows the job needs at most: what the queue counts."""
    submitted_at: float
    """Monotonic seconds."""
    deadline: float | None = None
    """Monotonic seconds; None has no deadline."""
    started_at: float | None = None
    """Monotonic seconds of the first computation."""
    is_abandoned: bool = False
    """The client is gone. Read between passes; a plain flag, written once."""

    def interruption(self, now: float) -> RequestError | None:
        """Why no more work should go into this job; None while it should."""
        if self.is_abandoned:
            return ClientGone("the client closed the connection")
        if self.deadline is not None and now >= self.deadline:
            return DeadlineExceeded("the request's deadline passed before the work was done")
        return None


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids, some of which may stand for an embedding of the caller's."""

    ids: tuple[int, ...]
    places: tuple[int, ...] = ()
    """Where a vector replaces the token's own embedding."""
    vectors: tuple[tuple[float, ...], ...] = ()
    """[places, hidden size]."""

    def __len__(self) -> int:
        """Tokens."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """Answer to a ``ScoreJob``."""

    scores: list[list[float]]
    """[I, L] probabilities of the labels, in the order of items and labels."""
    logprobs: list[list[float]] | None
    """[I, L] full-vocabulary log-probabilities, where asked for."""
    num_computed_tokens: int
    """Token rows that went through the model: each item once, the prefix once, or not where another job did."""


@dataclass(slots=True, kw_only=True, eq=False)
class ScoreJob(Job):
    """Score the labels after ``prefix + item``, for each item."""

    prefix: Prompt
    """May be empty."""
    items: list[Prompt]
    """[I] at least one token each."""
    label_token_ids: tuple[int, ...]
    is_softmax_over_labels: bool
    """False: probabilities among the whole vocabulary."""
    wants_logprobs: bool = False
    done: Future[ScoreResult] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Completion:
    """What was generated for one prompt."""

    token_ids: list[int]
    """Generated tokens, the stopping one included."""
    finish_reason: str
    """``stop`` or ``length``."""
    stop_reason: int | str | None
    """The token id or string that ended it; None at the length limit."""
    logprobs: list[TokenLogprobs]
    """[tokens] where asked for, else empty."""


@dataclass(frozen=True, slots=True)
class StopConditions:
    """What ends a completion besides its length."""

    token_ids: frozenset[int] = frozenset()
    strings: tuple[str, ...] = ()
    """Searched in the decoded completion."""


@dataclass(slots=True, kw_only=True, eq=False)
class GenerateJob(Job):
    """Complete each of the prompts."""

    prompts: list[list[int]]
    """At least one, at least one token each."""
    max_tokens: int
    """Tokens to generate at most, at least 1."""
    sampling: Sampling
    stop: StopConditions
    done: Future[list[Completion]] = field(default_factory=Future)
