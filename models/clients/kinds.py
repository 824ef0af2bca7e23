"""Which server answers at an address, and what follows from it. Pure; ``/v1/models`` of all three says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["UNKNOWN", "EngineFacts", "EngineKind", "facts_of"]


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
    """

    kind: EngineKind
    context_tokens: int | None = None

    @property
    def needs_priming(self) -> bool:
        """Whether the items of one request share the query's prefix only where it was computed before.

        SGLang schedules them together and caches a prefix when its request ends: 32 cold items compute it 32 times
        (2.3 times the time for 140 + 60 tokens). vLLM shares within a batch, the local engine within a request.
        """
        return self.kind is EngineKind.SGLANG

    @property
    def max_prompt_tokens(self) -> int | None:
        """Longest prompt that must not be exceeded here, because the server cuts it in silence; None: it refuses."""
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
