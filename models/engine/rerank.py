"""Rerank over text: the shape of Cohere, Jina and vLLM clients, rendered with the bundle's own prompt.

A document is read as ``serve`` reads one: its first line is the header of an item where it has several, the rest is the
summary. What exceeds the bundle's token limits is refused, never cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from models.bundle import MANIFEST, Manifest, Role
from models.engine.errors import BundleError, InvalidRequest
from models.engine.protocol import (
    RerankedDocument,
    RerankResponse,
    RerankResult,
    RerankUsage,
    ScoreRequest,
)
from models.prompts import RankerPrompt, TextTokenizer, normalise_query
from schemas.errors import ConfigurationError
from schemas.text import single_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.bundle import PromptLimits
    from models.engine.checkpoint import Bundle
    from models.engine.jobs import ScoreResult
    from models.engine.protocol import RerankRequest


class Reranker:
    """Renders texts as the bundle's ranker was trained to read them, and scores as an ordered answer. Pure."""

    def __init__(self, prompt: RankerPrompt, limits: PromptLimits, label_token_ids: Sequence[int]) -> None:
        """Take the parts.

        Args:
            prompt: Template over the bundle's tokenizer.
            limits: Most tokens of query, header and summary.
            label_token_ids: The first one's probability is the relevance.
        """
        self._prompt = prompt
        self._limits = limits
        self._label_token_ids = list(label_token_ids)

    def score_request(self, request: RerankRequest) -> ScoreRequest:
        """The scoring request that computes the relevance of each document, in their order.

        Raises:
            InvalidRequest: A text is empty or over the bundle's limit; the message names it.
        """
        query = normalise_query(request.query)
        if not query:
            raise InvalidRequest("query has no text")
        self._check_length("query", query, self._limits.query)
        return ScoreRequest(
            query=self._prompt.query_ids(query),
            items=[self._item_ids(index, text) for index, text in enumerate(request.texts)],
            label_token_ids=self._label_token_ids,
            apply_softmax=True,
        )

    def answer(
        self,
        request: RerankRequest,
        scores: ScoreResult,
        *,
        num_tokens: int,
        model: str,
        revision: str,
        request_id: str,
    ) -> RerankResponse:
        """The best documents first, equals in the caller's order."""
        relevance = [row[0] for row in scores.scores]
        order = sorted(range(len(relevance)), key=lambda index: -relevance[index])[: request.top_n]
        return RerankResponse(
            id=f"rerank-{request_id}",
            model=model,
            system_fingerprint=revision,
            results=[
                RerankResult(
                    index=index,
                    relevance_score=relevance[index],
                    document=RerankedDocument(text=request.texts[index]) if request.return_documents else None,
                )
                for index in order
            ],
            usage=RerankUsage(total_tokens=num_tokens, prompt_tokens=num_tokens),
        )

    def _item_ids(self, index: int, text: str) -> list[int]:
        first, newline, rest = text.strip().partition("\n")
        header, summary = (single_line(first), single_line(rest)) if newline else ("", single_line(first))
        if not header and not summary:
            raise InvalidRequest(f"documents[{index}] has no text")
        self._check_length(f"the first line of documents[{index}]", header, self._limits.header)
        self._check_length(f"documents[{index}]", summary, self._limits.summary)
        return self._prompt.item_ids(header, summary)

    def _check_length(self, name: str, text: str, limit: int) -> None:
        if (num_tokens := self._prompt.count_tokens(text)) > limit:
            raise InvalidRequest(f"{name} has {num_tokens} tokens, over this ranker's {limit}: shorten it")


def read_reranker(bundle: Bundle) -> Reranker | None:
    """The reranker of a bundle; None where it is no ranker's with its own manifest and tokenizer.

    Raises:
        BundleError: precis.json or tokenizer.json does not fit.
    """
    tokenizer_file = bundle.path / "tokenizer.json"
    if bundle.role != Role.RANKER or not tokenizer_file.exists():
        return None
    file = bundle.path / MANIFEST
    try:
        manifest = Manifest.model_validate_json(file.read_bytes())
        prompt = RankerPrompt(TextTokenizer.from_file(tokenizer_file), manifest.limits)
    except (ValidationError, ConfigurationError) as error:
        raise BundleError(f"{file} does not fit: {error}") from error
    if manifest.prompt_version != prompt.version:
        raise BundleError(f"{file}: prompt version {manifest.prompt_version!r}; this engine renders {prompt.version!r}")
    return Reranker(prompt, manifest.limits, manifest.label_token_ids or prompt.label_token_ids)
