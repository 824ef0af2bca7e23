"""What the services ask of an engine: a completion, and scores of items. Token ids in: nothing is ambiguous."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.deadline import Deadline

__all__ = ["Completion", "RankerEngine", "Sampling", "Scores", "SummarizerEngine"]


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of the summarizer.

    Attributes:
        text: As the model wrote it, without special tokens.
        num_prompt_tokens: Length of the prompt.
        num_output_tokens: Length of the answer.
        is_complete: Whether the model ended it; False where it ran into ``max_tokens``.
        revision: The engine's model revision.
    """

    text: str
    num_prompt_tokens: int
    num_output_tokens: int
    is_complete: bool
    revision: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn that is not to be the greedy one.

    Attributes:
        temperature: Above 0; 1 draws from the model's own distribution.
        top_p: Drawn is from the likeliest tokens that together have this share, in (0, 1].
        seed: 0 to 2**31 - 1: what every engine takes. The same seed and prompt give the same answer, as far as the
            engine computes alike in every batch.
    """

    temperature: float
    top_p: float
    seed: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of the items of one request.

    Attributes:
        values: [N] finite floats in [0, 1], in the order of the items: softmax over the labels, first label.
        revision: The engine's model revision.
    """

    values: tuple[float, ...]
    revision: str


class SummarizerEngine(Protocol):
    """OpenAI ``/v1/completions`` with a token-id prompt. May be called concurrently."""

    async def complete(
        self,
        prompt_ids: Sequence[int],
        *,
        max_tokens: int,
        stop_token_ids: Sequence[int],
        stop: Sequence[str] = (),
        deadline: Deadline,
        sampling: Sampling | None = None,
    ) -> Completion:
        """The continuation of the prompt: greedy, or drawn as ``sampling`` says.

        Retries transport failures inside the deadline with jitter, never an overload.

        Args:
            prompt_ids: Token ids.
            max_tokens: Of the answer.
            stop_token_ids: Each ends the answer.
            stop: Texts of which each ends the answer, and is no part of it.
            deadline: Of the call, retries included.
            sampling: How it is drawn; None: greedily.

        Raises:
            PromptTooLong: The engine refused the prompt's length.
            Overloaded: The engine refused work for now.
            DeadlineExceeded: Nothing is returned, and the engine was told to stop.
            BackendTimeout: As BackendUnavailable: not reachable in time.
            BackendUnavailable: Not reachable, or not ready.
            BackendProtocolError: An answer in another form.
        """
        ...

    async def revision(self) -> str:
        """Revision of the model that is loaded now."""
        ...

    async def close(self) -> None:
        """Close connections. Idempotent."""
        ...


class RankerEngine(Protocol):
    """SGLang ``/v1/score`` with token-id query and items. May be called concurrently."""

    async def score(
        self,
        query_ids: Sequence[int],
        items: Sequence[Sequence[int]],
        *,
        label_token_ids: Sequence[int],
        deadline: Deadline,
    ) -> Scores:
        """Score of each item after the query, by one prefill pass and no decoding.

        Args:
            query_ids: The shared prefix.
            items: [N] token ids of the items; N may be 0.
            label_token_ids: Labels of the softmax; the score is the first one's share.
            deadline: Budget of the whole call, retries included.

        Raises:
            PromptTooLong: The engine refused the length of a prompt.
            Overloaded: The engine refused work for now.
            DeadlineExceeded: Nothing is returned, not even partial scores.
            BackendTimeout: As BackendUnavailable: not reachable in time.
            BackendUnavailable: Not reachable, or not ready.
            BackendProtocolError: Wrong length or a score that is not finite or outside [0, 1]: version skew or a bug.
        """
        ...

    async def revision(self) -> str:
        """Revision of the model that is loaded now."""
        ...

    async def close(self) -> None:
        """Close connections. Idempotent."""
        ...
