"""Turns results into wire responses. Pure, but for the tokenizer's decoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.engine.protocol import (
    CompletionChoice,
    CompletionLogprobs,
    CompletionResponse,
    ScoreResponse,
    ScoreUsage,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

    from models.engine.jobs import Completion, GenerateJob, ScoreResult
    from models.engine.protocol import CompletionRequest, ScoreRequest


def count_prompt_tokens(request: ScoreRequest) -> int:
    """Tokens as the caller counts them: the query with each item."""
    return len(request.query) * len(request.items) + sum(map(len, request.items))


@dataclass(frozen=True, slots=True)
class Answerer:
    """What every answer says about the engine."""

    model: str
    """Served name."""
    revision: str
    """Revision of the weights."""
    tokenizer: Tokenizer | None

    def score(self, request: ScoreRequest, result: ScoreResult) -> ScoreResponse:
        """The answer to a scoring request."""
        num_prompt = count_prompt_tokens(request)
        return ScoreResponse(
            model=self.model,
            system_fingerprint=self.revision,
            scores=result.scores,
            token_logprobs=result.logprobs,
            usage=ScoreUsage(
                prompt_tokens=num_prompt, total_tokens=num_prompt, computed_tokens=result.num_computed_tokens
            ),
        )

    def completions(
        self, request: CompletionRequest, job: GenerateJob, results: Sequence[Completion], *, request_id: str, now: int
    ) -> CompletionResponse:
        """The answer to a completion request; ``now`` is in Unix seconds."""
        num_prompt = sum(map(len, job.prompts))
        num_new = sum(len(result.token_ids) for result in results)
        choices = [
            CompletionChoice(
                index=index,
                text=self._text(request, result),
                finish_reason="stop" if result.finish_reason == "stop" else "length",
                stop_reason=result.stop_reason,
                logprobs=None if request.logprobs is None else self._logprobs(request, result),
                token_ids=result.token_ids if request.return_token_ids else None,
                prompt_token_ids=job.prompts[index] if request.return_token_ids else None,
            )
            for index, result in enumerate(results)
        ]
        return CompletionResponse(
            id=f"cmpl-{request_id}",
            created=now,
            model=self.model,
            system_fingerprint=self.revision,
            choices=choices,
            usage=Usage(prompt_tokens=num_prompt, completion_tokens=num_new, total_tokens=num_prompt + num_new),
        )

    def _decode(self, ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """Text of the tokens; empty where the bundle has no tokenizer."""
        if self.tokenizer is None:
            return ""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)
        return text

    def _text(self, request: CompletionRequest, result: Completion) -> str:
        """The completion without what stopped it."""
        ids = result.token_ids[:-1] if isinstance(result.stop_reason, int) else result.token_ids
        text = self._decode(ids, skip_special_tokens=request.skip_special_tokens)
        return text.split(result.stop_reason, 1)[0] if isinstance(result.stop_reason, str) else text

    def _logprobs(self, request: CompletionRequest, result: Completion) -> CompletionLogprobs:
        names = [self._name(request, token_id) for token_id in result.token_ids]
        offsets = [0]
        for name in names:
            offsets.append(offsets[-1] + len(name))
        return CompletionLogprobs(
            tokens=names,
            token_logprobs=[entry.chosen for entry in result.logprobs],
            top_logprobs=[
                # The chosen token is always there, also when it is not among the most likely ones.
                {
                    **{self._name(request, token_id): value for token_id, value in entry.top},
                    self._name(request, chosen): entry.chosen,
                }
                for chosen, entry in zip(result.token_ids, result.logprobs, strict=True)
            ],
            text_offset=offsets[:-1],
        )

    def _name(self, request: CompletionRequest, token_id: int) -> str:
        if request.return_tokens_as_token_ids or self.tokenizer is None:
            return f"token_id:{token_id}"
        return self._decode([token_id], skip_special_tokens=False)
