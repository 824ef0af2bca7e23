"""The wire protocols as pydantic models: what comes in and what goes out. No decisions beyond types.

``/v1/score`` follows SGLang, ``/v1/completions`` follows OpenAI with vLLM's ``stop_token_ids`` and
``return_token_ids``, ``/v1/rerank`` follows Cohere, Jina and vLLM. All add ``system_fingerprint``: the revision of the
weights that computed the answer.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TokenId = Annotated[int, Field(strict=True)]
"""Strict: 1.0, "1" and true are mistakes of the caller, not token 1."""


Vector = list[Annotated[float, Field(allow_inf_nan=False)]]
"""One input embedding, as many numbers as the model's hidden size."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: str | None = None
    """Informative: the engine has one model and answers with its name."""


class ScoreRequest(_Request):
    """Label probabilities after ``query + item``, or ``item + query``, for each item."""

    query: list[TokenId]
    items: list[list[TokenId]]
    label_token_ids: list[TokenId]
    apply_softmax: bool = False
    """True: softmax over the labels. False: their probabilities among the whole vocabulary."""
    item_first: bool = False
    """True: the item comes before the query; no prefix is shared then."""
    return_token_logprobs: bool = False
    embed_override_token_id: TokenId | None = None
    """Placeholder: its occurrences take the vectors of the overrides, in order. It needs no meaning of its own."""
    query_embed_overrides: list[Vector] | None = None
    """Input embeddings for the placeholders of the query."""
    item_embed_overrides: list[list[Vector] | None] | None = None
    """For each item, input embeddings for its placeholders; null leaves an item as it is."""

    @property
    def has_overrides(self) -> bool:
        """Some embeddings are the caller's."""
        return self.query_embed_overrides is not None or self.item_embed_overrides is not None


class Usage(BaseModel):
    """Tokens as the caller counts them: each prompt in full, shared prefix or not."""

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int


class ScoreUsage(Usage):
    """Tokens of a scoring request."""

    computed_tokens: int
    """Rows that went through the model: the shared prefix once."""


class ScoreResponse(BaseModel):
    """One list of label scores an item, in the order of items and labels."""

    object: Literal["scoring"] = "scoring"
    model: str
    system_fingerprint: str
    scores: list[list[float]]
    token_logprobs: list[list[float]] | None = None
    usage: ScoreUsage


class RerankedDocument(BaseModel):
    """A document of a rerank call, in and out."""

    text: str


class RerankRequest(_Request):
    """Order documents by their relevance to a query."""

    query: str
    documents: Annotated[list[str | RerankedDocument], Field(min_length=1)]
    top_n: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Best documents in the answer; null gives all."""
    return_documents: bool | None = None
    """Cohere's client sends null where its caller said nothing."""

    @property
    def texts(self) -> list[str]:
        """The documents' texts."""
        return [document if isinstance(document, str) else document.text for document in self.documents]


class RerankResult(BaseModel):
    """One document."""

    index: int
    """Its place in the request."""
    relevance_score: float
    document: RerankedDocument | None = None


class RerankUsage(BaseModel):
    """Tokens of a rerank call, each prompt in full."""

    prompt_tokens: int
    total_tokens: int


class RerankResponse(BaseModel):
    """Documents, the most relevant first."""

    id: str
    model: str
    system_fingerprint: str
    results: list[RerankResult]
    usage: RerankUsage


class CompletionRequest(_Request):
    """Continue one prompt or several."""

    prompt: str | list[TokenId] | list[str] | list[list[TokenId]]
    max_tokens: Annotated[int, Field(strict=True, ge=1)] = 16
    temperature: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[TokenId] | None = None
    """Besides the model's own end tokens."""
    ignore_eos: bool = False
    """Go on past the model's own end tokens."""
    logprobs: Annotated[int, Field(strict=True, ge=0, le=20)] | None = None
    return_token_ids: bool = False
    return_tokens_as_token_ids: bool = False
    """Name tokens ``token_id:17`` in logprobs, where texts of two tokens could be the same."""
    skip_special_tokens: bool = True


class CompletionLogprobs(BaseModel):
    """OpenAI's parallel lists, one entry a generated token."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(BaseModel):
    """What was generated for one prompt."""

    index: int
    text: str
    finish_reason: Literal["stop", "length"]
    stop_reason: int | str | None = None
    logprobs: CompletionLogprobs | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None


class CompletionResponse(BaseModel):
    """One choice a prompt, in the order of the prompts."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: Usage


class ErrorDetail(BaseModel):
    """OpenAI's error object."""

    message: str
    type: str
    code: int
    param: str | None = None


class ErrorResponse(BaseModel):
    """Body of every answer that is not 2xx."""

    object: Literal["error"] = "error"
    error: ErrorDetail


NEUTRAL_VALUES: dict[str, tuple[Any, ...]] = {
    "stream": (False,),
    "stream_options": (),
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "suffix": ("",),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "logit_bias": ({},),
    "top_k": (0, -1),
    "min_p": (0,),
    "min_tokens": (0,),
    "priority": (0,),
    "user": (...,),
    "request_id": (...,),
    "add_special_tokens": (True, False),
    "spaces_between_special_tokens": (True, False),
}
"""Fields of other servers that this one does not implement, with the values at which they change nothing.

Null is always neutral; ``...`` stands for any value. Everything else is refused: an ignored field would change the
meaning of the answer without a word.
"""
