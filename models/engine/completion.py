"""One prompt of a completion job on its way: tokens so far, and when it is finished. No tensors, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.engine.jobs import Completion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.engine.jobs import GenerateJob
    from models.engine.sampling import Choice, TokenLogprobs
    from models.engine.sequence_cache import SequenceCache

    Decode = Callable[[Sequence[int]], str]


class CompletionRun:
    """The state of one prompt: waiting, being prefilled (``cache`` is set), decoding, finished."""

    def __init__(self, job: GenerateJob, index: int, decode: Decode | None) -> None:
        """Start as waiting.

        Args:
            job: The request this prompt belongs to.
            index: Place of the prompt in the request.
            decode: Token ids to text, for stop strings; may be None where the job has none.
        """
        self.job = job
        self.index = index
        self.prompt = job.prompts[index]
        self.generator = job.sampling.generator()
        self.cache: SequenceCache | None = None
        self.token_ids: list[int] = []
        self._logprobs: list[TokenLogprobs] = []
        self._decode = decode
        self._stop_reason: int | str | None = None

    @property
    def num_reserved(self) -> int:
        """Tokens the sequence may reach. The last generated token is never fed back, but room for it is simpler."""
        return len(self.prompt) + self.job.max_tokens

    def append(self, choice: Choice) -> bool:
        """Take the next token; True when the completion is finished with it."""
        self.token_ids.append(choice.token_id)
        if choice.logprobs is not None:
            self._logprobs.append(choice.logprobs)
        self._stop_reason = self._found_stop(choice.token_id)
        return self._stop_reason is not None or len(self.token_ids) >= self.job.max_tokens

    def result(self) -> Completion:
        """The finished completion."""
        return Completion(
            token_ids=self.token_ids,
            finish_reason="length" if self._stop_reason is None else "stop",
            stop_reason=self._stop_reason,
            logprobs=self._logprobs,
        )

    def _found_stop(self, token_id: int) -> int | str | None:
        stop = self.job.stop
        if token_id in stop.token_ids:
            return token_id
        if stop.strings and self._decode is not None:
            text = self._decode(self.token_ids)
            return min((string for string in stop.strings if string in text), key=text.find, default=None)
        return None
