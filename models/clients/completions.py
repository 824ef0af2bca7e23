"""Client of OpenAI's ``/v1/completions`` with a token-id prompt: the local engine, vLLM and SGLang answer it alike.

Only what all three know is sent, so none refuses a field: ids instead of text (nothing is added to them), the model's
end token as ``stop_token_ids``, ``max_tokens`` from the length budget, temperature 0. An answer is read whole: nobody
shows half a summary, and a stream of chunks costs both sides more. What is not sent, vLLM and SGLang take from the
model's ``generation_config.json``: a bundle that names a penalty there gives other texts, which its canaries show.

No constrained output (JSON schema, grammar): a summary is plain text, so no form can be missed. What goes wrong is what
it says, which a grammar of the body's own phrases could prevent, compiled anew for every posting; the faithfulness gate
costs less and says why.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.clients.ports import Completion, Sampling
from models.clients.transport import EngineTransport
from schemas.circuit import BreakerState
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError

__all__ = ["CompletionsClient"]

_PATH = "/v1/completions"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Choice(_Part):
    text: str
    finish_reason: Literal["stop", "length"]


class _Usage(_Part):
    prompt_tokens: int
    completion_tokens: Annotated[int, Field(ge=0)]


class _Answer(_Part):
    choices: Annotated[list[_Choice], Field(min_length=1, max_length=1)]
    usage: _Usage


class CompletionsClient:
    """Implements ``SummarizerEngine``."""

    def __init__(self, transport: EngineTransport, *, model: str | None = None) -> None:
        """Talk through the transport, which this client closes.

        Args:
            transport: To the engine; its backend name is ``summarizer``.
            model: Served name, where the server has several or insists on it; None leaves it out.
        """
        self._transport = transport
        self._model = {} if model is None else {"model": model}

    @property
    def address(self) -> str:
        """Of the server, or of its replicas."""
        return self._transport.address

    @property
    def breaker_states(self) -> dict[str, BreakerState]:
        """See ``EngineTransport.breaker_states``."""
        return self._transport.breaker_states

    def each(self) -> "tuple[CompletionsClient, ...]":
        """A client of each replica alone; not to be closed."""
        model = self._model.get("model")
        return tuple(CompletionsClient(transport, model=model) for transport in self._transport.each())

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
        """See ``SummarizerEngine.complete``."""
        payload = {
            **self._model,
            "prompt": list(prompt_ids),
            "max_tokens": max_tokens,
            **_choice_of_tokens(sampling),
            "stop_token_ids": list(stop_token_ids),
            **({"stop": list(stop)} if stop else {}),
        }
        tokens = len(prompt_ids) + max_tokens
        answer = await self._transport.post(_PATH, payload, deadline=deadline, tokens=tokens)
        return _read(answer.body, len(prompt_ids), answer.revision)

    async def revision(self) -> str:
        """See ``SummarizerEngine.revision``."""
        return await self._transport.revision()

    async def close(self) -> None:
        """See ``SummarizerEngine.close``."""
        await self._transport.close()


def _choice_of_tokens(sampling: Sampling | None) -> dict[str, float]:
    if sampling is None:
        return {"temperature": 0}
    return {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}


def _read(body: Mapping[str, object], num_prompt_tokens: int, revision: str) -> Completion:
    try:
        answer = _Answer.model_validate(body)
    except ValidationError as error:
        message = f"the answer has not the agreed form: {error.errors(include_url=False, include_input=False)}"
        raise BackendProtocolError(message, backend="summarizer", operation=_PATH) from error
    if answer.usage.prompt_tokens != num_prompt_tokens:
        # Cut silently, or tokens added: either way the model read another prompt than was rendered.
        message = f"the engine read {answer.usage.prompt_tokens} prompt tokens of {num_prompt_tokens} that were sent"
        raise BackendProtocolError(message, backend="summarizer", operation=_PATH)
    (choice,) = answer.choices
    return Completion(
        text=choice.text,
        num_prompt_tokens=num_prompt_tokens,
        num_output_tokens=answer.usage.completion_tokens,
        is_complete=choice.finish_reason == "stop",
        revision=revision,
    )
