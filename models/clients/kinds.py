"""Which server answers at an address, and what follows from it. Pure.

``/v1/models`` of all three says which it is; ``/server_info`` of SGLang, whether it packs the items of a request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

__all__ = ["UNKNOWN", "EngineFacts", "EngineKind", "facts_of", "with_packing"]


class EngineKind(StrEnum):
    """What serves a model."""

    LOCAL = "local"
    """The local engine, and whatever else speaks ``/v1/score`` and needs nothing special."""
    SGLANG = "sglang"
    """SGLang: ``/v1/score``."""
    VLLM = "vllm"
    """vLLM: ``/generative_scoring``."""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What a client must know of its server.

    Attributes:
        kind: Which it is.
        context_tokens: Longest prompt and answer together; None where it is not said.
        pack_tokens: Longest sequence, where the server joins query and items of a request to one: SGLang's multi-item
            scoring. None where each item is a sequence of its own, or none of the client's business.
    """

    kind: EngineKind
    context_tokens: int | None = None
    pack_tokens: int | None = None

    @property
    def needs_priming(self) -> bool:
        """Whether the items of one request share the query's prefix only where it was computed before.

        SGLang schedules them together and caches a prefix when its request ends: 32 cold items compute it 32 times
        (2.3 times the time for 140 + 60 tokens). vLLM shares within a batch, the local engine within a request. SGLang
        that packs has no prefix cache: an item sent ahead would leave nothing behind.
        """
        return self.kind is EngineKind.SGLANG and self.pack_tokens is None

    @property
    def num_delimiters(self) -> int:
        """Tokens that the server adds to an item, and once more to the query: 1 where it packs, else 0."""
        return 0 if self.pack_tokens is None else 1

    def tokens_read(self, query_tokens: int, item_tokens: Sequence[int]) -> int:
        """Tokens of a request's prompts as the server counts them in ``usage``: the query once an item, or once.

        Args:
            query_tokens: Length of the query.
            item_tokens: [N] length of each item.
        """
        if self.pack_tokens is None:
            return query_tokens * len(item_tokens) + sum(item_tokens)
        return query_tokens + sum(item_tokens) + len(item_tokens) + 1

    @property
    def max_prompt_tokens(self) -> int | None:
        """Longest query with an item that may be sent; None: the server says so itself.

        vLLM cuts a longer one in silence. SGLang that packs refuses it, but in company: all items of its request fail.
        """
        if self.pack_tokens is not None:
            return self.pack_tokens - 2  # the delimiters around the item
        if self.kind is EngineKind.VLLM and self.context_tokens is not None:
            return self.context_tokens - 1  # it keeps one for the token that it generates
        return None


UNKNOWN = EngineFacts(EngineKind.LOCAL)
"""Of a server that does not say what it is."""

_OWNERS = {"precis": EngineKind.LOCAL, "sglang": EngineKind.SGLANG, "vllm": EngineKind.VLLM}


def facts_of(models: Mapping[str, Any]) -> EngineFacts:
    """The facts in an answer of ``GET /v1/models``: ``owned_by`` and ``max_model_len`` of its first entry."""
    match models:
        case {"data": [{"owned_by": str(owner), **entry}, *_]} if owner in _OWNERS:
            length = entry.get("max_model_len")
            return EngineFacts(_OWNERS[owner], length if type(length) is int else None)
    return UNKNOWN


def with_packing(facts: EngineFacts, server_info: Mapping[str, Any]) -> EngineFacts:
    """The facts of an SGLang server with those in its answer of ``GET /server_info``.

    A sequence must stay below ``max_req_input_len`` (of context and key-value pool the smaller, less six), and is
    computed in one step, for which ``max_prefill_tokens`` is the budget.
    """
    match server_info:
        case {"enable_mis": True, "max_req_input_len": int(bound), **rest}:
            step = rest.get("max_prefill_tokens")
            return replace(facts, pack_tokens=min(bound - 1, step if type(step) is int else bound))
    return facts
