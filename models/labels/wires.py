"""What is sent to an OpenAI-compatible endpoint, and what is read of its answers. Pure.

Two routes: ``/v1/chat/completions`` for models that follow instructions, ``/v1/completions`` for servers or models
without a chat template.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from models.labels.judgement import Method, Token
from models.labels.pairs import Pair
from models.labels.prompt import JudgePrompt
from schemas.canonical import read_json
from schemas.errors import BackendProtocolError, ConfigurationError

__all__ = ["Api", "Asked", "Replied", "payload_of", "read_extra", "read_reply"]

_OWN_FIELDS = frozenset({"messages", "prompt", "n", "stream", "logprobs", "top_logprobs"})
"""Request fields that decide how an answer is read."""


class Api(StrEnum):
    """Which route is asked."""

    CHAT = "chat"
    COMPLETIONS = "completions"

    @property
    def path(self) -> str:
        """Below the endpoint's address."""
        return "/v1/chat/completions" if self is Api.CHAT else "/v1/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How every pair is asked about; all of it changes labels."""

    model: str
    """Name that the endpoint knows the model by."""
    api: Api = Api.CHAT
    max_tokens: int = 4
    """Longest answer: a digit, and what some models put before it."""
    top_logprobs: int = 20
    """Likeliest tokens to be told of each position; OpenAI and vLLM allow 20."""
    temperature: float = 1.0
    """Of samples; token probabilities and the plain digit are asked for at 0, so that they repeat."""
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    """Fields of the request, added or replaced; null takes one out."""


@dataclass(frozen=True, slots=True)
class Replied:
    """An answer, read.

    Attributes:
        texts: Of its choices.
        tokens: Positions of the first choice; none where the endpoint told no probabilities.
        prompt_tokens: As the endpoint counts them; 0 where it does not say.
    """

    texts: tuple[str, ...]
    tokens: tuple[Token, ...]
    prompt_tokens: int
    completion_tokens: int


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Top(_Part):
    token: str
    logprob: float


class _Content(_Top):
    top_logprobs: list[_Top] = []


class _ChatLogprobs(_Part):
    content: list[_Content] | None = None


class _Message(_Part):
    content: str | None = None


class _ChatChoice(_Part):
    message: _Message
    logprobs: _ChatLogprobs | None = None


class _TextLogprobs(_Part):
    tokens: list[str] = []
    token_logprobs: list[float | None] = []
    top_logprobs: list[dict[str, float] | None] | None = None


class _TextChoice(_Part):
    text: str
    logprobs: _TextLogprobs | None = None


class _Usage(_Part):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _ChatAnswer(_Part):
    choices: Annotated[list[_ChatChoice], Field(min_length=1)]
    usage: _Usage | None = None


class _TextAnswer(_Part):
    choices: Annotated[list[_TextChoice], Field(min_length=1)]
    usage: _Usage | None = None


def read_extra(text: str) -> dict[str, JsonValue]:
    """Extra request fields from their JSON object.

    Raises:
        ConfigurationError: It is no JSON object, or it names a field that decides how an answer is read.
    """
    try:
        fields = read_json(text)
    except ValueError as error:
        raise ConfigurationError(f"extra request fields {text[:80]!r} are not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ConfigurationError(f"extra request fields {text[:80]!r} must be a JSON object")
    if taken := sorted(_OWN_FIELDS & fields.keys()):
        raise ConfigurationError(f"extra request fields must leave {', '.join(taken)} to this command")
    return fields


def payload_of(
    asked: Asked, prompt: JudgePrompt, pair: Pair, method: Method, *, num_answers: int = 1, seed: int = 0
) -> dict[str, Any]:
    """The body of a request.

    Args:
        asked: How.
        prompt: Renders the pair.
        pair: About what.
        method: Decides on probabilities, temperature and number of choices.
        num_answers: Samples wanted of this request.
        seed: Of samples.
    """
    body: dict[str, Any] = {"model": asked.model, "max_tokens": asked.max_tokens, "temperature": 0}
    if asked.api is Api.CHAT:
        body["messages"] = prompt.messages(pair)
    else:
        body["prompt"] = prompt.text(pair)
    if method is Method.SAMPLES:
        body |= {"temperature": asked.temperature, "n": num_answers, "seed": seed}
    if method is Method.LOGPROBS and asked.api is Api.CHAT:
        body |= {"logprobs": True, "top_logprobs": asked.top_logprobs}
    elif method is Method.LOGPROBS:
        body["logprobs"] = asked.top_logprobs
    body |= asked.extra
    return {name: value for name, value in body.items() if value is not None}


def read_reply(api: Api, body: Mapping[str, Any]) -> Replied:
    """Read an answer with status 200.

    Raises:
        BackendProtocolError: It has not the form of the route's answers; the field is named.
    """
    try:
        read = _chat(_ChatAnswer.model_validate(body)) if api is Api.CHAT else _text(_TextAnswer.model_validate(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = f"the answer has not the agreed form: `{'.'.join(map(str, first['loc']))}`: {first['msg']}"
        raise BackendProtocolError(message, backend="judge", operation=api.path) from error
    return read


def _chat(answer: _ChatAnswer) -> Replied:
    first = answer.choices[0].logprobs
    usage = answer.usage or _Usage()
    return Replied(
        texts=tuple(choice.message.content or "" for choice in answer.choices),
        tokens=tuple(
            Token(entry.token, entry.logprob, {top.token: top.logprob for top in entry.top_logprobs})
            for entry in (first.content if first and first.content else ())
        ),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
    )


def _text(answer: _TextAnswer) -> Replied:
    told = answer.choices[0].logprobs or _TextLogprobs()
    usage = answer.usage or _Usage()
    tops = told.top_logprobs or [None] * len(told.tokens)
    return Replied(
        texts=tuple(choice.text for choice in answer.choices),
        tokens=tuple(
            Token(text, logprob, top or {})
            for text, logprob, top in zip(told.tokens, told.token_logprobs, tops, strict=False)
            if logprob is not None
        ),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
    )
