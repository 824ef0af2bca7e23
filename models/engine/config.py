"""Settings of one engine process, as the command line gives them. The environment is not read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Role = Literal["summarizer", "ranker"]
"""What the process is for. Both routes answer in both roles; the role names the one that is warmed up."""
KernelChoice = Literal["auto", "compiled", "plain"]
"""On a GPU ``auto`` compiles and records graphs, ``compiled`` records none, ``plain`` launches operations one by one.

The CPU is always plain.
"""

CPU_BATCH_TOKENS = 2304
"""Rows of a pass on the CPU.

On one core 2048 item rows scored 8 to 15 % more items a second than 512 or 4096 (hidden 256): activations stay in
cache. The rest is for the queries of the requests that share the pass.
"""
CUDA_BATCH_TOKENS = 8192
"""Rows of a pass on a GPU, where prefixes are computed in each pass: large enough that they are a small part of it.

On an H100 (Qwen3-0.6B, 150 tokens beside 50) twice as many scored 5 % more items a second, half as many 4 % less.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process takes on at a time."""

    max_batch_tokens: int | None = None
    """Token rows in one scoring pass, prefixes included. A single item longer than this still goes, alone.

    None: ``CPU_BATCH_TOKENS`` or ``CUDA_BATCH_TOKENS``.
    """
    prefill_chunk_tokens: int = 1024
    """Prompt tokens computed between two decode steps: the longest a running completion waits."""
    max_running: int = 32
    """Sequences decoded together."""
    kv_cache_mib: int = 1024
    """Upper bound of the decode cache, in MiB. Allocated as needed."""
    max_queue_tokens: int = 262_144
    """Tokens waiting and running, all requests together; more is refused with 429."""
    max_items: int = 4096
    """Items of one scoring request, and prompts of one completion request."""
    max_context: int | None = None
    """Tokens of one prompt with its completion. None: what the model was built for."""
    max_body_bytes: int = 16 * 1024 * 1024
    """Bytes of one request body."""

    def batch_tokens(self, device_type: str) -> int:
        """``max_batch_tokens`` on a device of this type (torch's name)."""
        return self.max_batch_tokens or (CUDA_BATCH_TOKENS if device_type == "cuda" else CPU_BATCH_TOKENS)


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """One engine process."""

    bundle: Path
    """Directory of a Qwen3 or Llama checkpoint in the Hugging Face layout."""
    role: Role
    """What the process is for; must agree with the bundle's precis.json where there is one."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8101
    """TCP port; 0 takes a free one, which the first line on stdout names."""
    served_name: str | None = None
    """Model name in answers. None: the name of the bundle's directory."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the computation, whatever type the weights are stored in."""
    weights: Literal["as_dtype", "int8"] = "as_dtype"
    """int8 stores and multiplies the layers' matrices in int8, on the CPU; all else stays in ``dtype``."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes CUDA where torch finds it."""
    kernels: KernelChoice = "auto"
    """What a GPU computes with."""
    threads: int = 1
    """Threads of torch's CPU kernels."""
    drain_s: float = 10.0
    """Seconds that running requests get after SIGTERM."""
    limits: Limits = Limits()
    """Bounds on work."""
