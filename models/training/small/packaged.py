"""The packaged model as it is meant to run: its 4-bit weights under llama.cpp.

Its products are of integers: it rounds what it multiplies with the weights to 8 bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

__all__ = ["Packaged", "Step"]

_CONTEXT_TOKENS = 1024
_SILENT = -1


@dataclass(frozen=True, slots=True)
class Step:
    """One token of a continuation.

    Attributes:
        token: What was likeliest.
        log_probs: Token -> natural logarithm of its probability, of the likeliest tokens.
    """

    token: int
    log_probs: dict[int, float]


class Packaged:
    """llama.cpp over a GGUF file, on one thread."""

    def __init__(self, file: Path) -> None:
        import xllamacpp  # noqa: PLC0415 (100 MB; only who measures loads it)

        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.n_ctx, params.n_parallel, params.warmup, params.verbosity = _CONTEXT_TOKENS, 1, False, _SILENT
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        self._server = xllamacpp.Server(params)

    def ids(self, text: str) -> list[int]:
        """Token ids of a text, special tokens not read."""
        address = f"{self._server.listening_address}/tokenize"
        reply = httpx.post(address, json={"content": text, "parse_special": False, "add_special": False})
        ids: list[int] = reply.raise_for_status().json()["tokens"]
        return ids

    def steps(self, ids: Sequence[int], num_steps: int, num_likeliest: int) -> list[Step]:
        """The greedy continuation; shorter where the model ends it."""
        request = {"prompt": list(ids), "max_tokens": num_steps, "temperature": 0, "logprobs": num_likeliest}
        reply: dict[str, Any] = self._server.handle_completions(request)
        return [
            Step(entry["id"], {each["id"]: each["logprob"] for each in entry["top_logprobs"]})
            for entry in reply["choices"][0]["logprobs"]["content"]
        ]
