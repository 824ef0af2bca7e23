"""The rerank call: the shape that Cohere, Jina, vLLM and TEI clients speak."""

from typing import Annotated, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from schemas.api import Reason
from schemas.wire import MAX_CANDIDATES, ApiJobId, DeadlineMs, Flag, Lenient, Query, Strict, Text, WholeNumber

__all__ = [
    "RerankDocument",
    "RerankRequest",
    "RerankResponse",
    "RerankResult",
    "RerankUsage",
    "RerankedDocument",
    "UnscoredDocument",
]


class RerankDocument(Lenient):
    """A document as an object: ``{"text": ...}``, or ``{"id": ...}`` of a job whose summary stands in the store."""

    text: Text | None = None
    id: ApiJobId | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.text is None) == (self.id is None):
            raise PydanticCustomError("document", "give either `text` or `id`")
        return self


def _kind(document: object) -> str | None:
    if isinstance(document, str):
        return "text"
    return "object" if isinstance(document, dict | RerankDocument) else None


# By an explicit choice of branch, so that an error is about the kind of document that was meant.
AnyDocument = Annotated[
    Annotated[Text, Tag("text")] | Annotated[RerankDocument, Tag("object")],
    Discriminator(_kind, custom_error_type="document", custom_error_message="a document is text or an object"),
]


class RerankRequest(Lenient):
    """The rerank shape that Cohere, Jina and vLLM clients speak; a document may also be ``{"id": job_id}``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "query": "night shift nurse",
                    "documents": ["Nurse, Berlin\nNight shifts, ICU.", {"text": "Baker, Hamburg"}, {"id": "job-1"}],
                    "top_n": 2,
                }
            ]
        }
    )

    query: Query
    documents: Annotated[list[AnyDocument], Field(min_length=1, max_length=MAX_CANDIDATES)]
    top_n: Annotated[WholeNumber, Field(ge=1)] | None = None
    return_documents: Flag | None = None
    """None is false: Cohere's client sends null for an argument that its caller passes on as None."""
    model: str | None = None
    """Taken for the clients that insist on it; the loaded ranker answers, and the answer names it."""
    deadline_ms: DeadlineMs = 5_000
    """Time budget of the whole call; longer than for ``/v1/score``, because these clients know no partial answer."""


class RerankedDocument(Strict):
    """A document as it was read: of a job both its id and the stored text."""

    id: str | None = None
    text: str


class RerankResult(Strict):
    """One document, best first."""

    index: int
    """Its place in the request."""
    relevance_score: float
    document: RerankedDocument | None = None


class UnscoredDocument(Strict):
    """A document that is missing from the results."""

    index: int
    reason: Reason


class RerankUsage(Strict):
    """Cost of the call, in tokens."""

    total_tokens: int


class RerankResponse(Strict):
    """Answer of ``POST /v1/rerank``. Documents without a score are in ``unscored``, never in ``results``."""

    id: str
    model: str
    results: list[RerankResult]
    unscored: list[UnscoredDocument] = Field(default_factory=list)
    usage: RerankUsage
