"""What decides an engine's command line, and the choices that all engines share. Pure but for reading the bundle."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from models.bundle import Bundle, PromptLimits, Role
from models.engine.errors import BundleError
from models.engine.shape import ModelShape, parse_shape
from ops.engine.hardware import Hardware
from schemas.errors import ConfigurationError

__all__ = [
    "Device",
    "Dtype",
    "EngineName",
    "Launch",
    "Task",
    "Wishes",
    "default_dtype",
    "describe_task",
    "stored_bytes",
]

# Below it float32 is fast enough to be served as it was measured, and canaries hold to 1e-4; above it, half the memory
# and twice the speed count for more.
_LARGEST_FLOAT32_PARAMETERS = 100_000_000
_CPU_SEQUENCES = 32
_GPU_SEQUENCES = 256
_LEAST_KV_BYTES = 256 << 20
# Of what is left when the weights are loaded: other processes, and each engine's own buffers, want the rest.
_KV_SHARE = 0.4
_CONTEXT_STEP = 16


class EngineName(StrEnum):
    """Servers that `precis engine` knows."""

    LOCAL = "local"
    VLLM = "vllm"
    SGLANG = "sglang"


class Dtype(StrEnum):
    """Type of the computation, whatever the weights are stored in."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"

    @property
    def num_bytes(self) -> int:
        """Size of one number."""
        return 4 if self is Dtype.FLOAT32 else 2


class Device(StrEnum):
    """Where the model is computed."""

    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True, slots=True)
class Launch:
    """How an engine is started: the arguments for its environment's Python, and what it finds in the environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person who starts an engine said; None: not said."""

    device: Device | None = None
    dtype: Dtype | None = None
    threads: int | None = None
    context_tokens: int | None = None
    kv_mib: int | None = None
    multi_item: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an engine is to serve, and what it may use for that.

    Attributes:
        bundle: What it loads.
        shape: Of the bundle's model.
        weights_bytes: Size of the stored weights.
        host: Address to listen on.
        port: Port to listen on, above 0.
        device: Where to compute.
        dtype: Type of the computation.
        threads: Cores to compute on.
        context_tokens: Longest prompt with its answer.
        kv_bytes: Memory for keys and values.
        multi_item: Whether SGLang packs a request's items (``ops.engine.multi_item``); None: as is cheaper.
    """

    bundle: Bundle
    shape: ModelShape
    weights_bytes: int
    host: str
    port: int
    device: Device
    dtype: Dtype
    threads: int
    context_tokens: int
    kv_bytes: int
    multi_item: bool | None = None

    @property
    def role(self) -> Role:
        """What the model is for."""
        return self.bundle.manifest.role

    @property
    def kv_tokens(self) -> int:
        """How many tokens fit into ``kv_bytes``."""
        return self.kv_bytes // (self.shape.kv_values_per_token * self.dtype.num_bytes)

    @property
    def max_sequences(self) -> int:
        """Prompts computed together."""
        return _num_sequences(self.device)


def describe_task(bundle: Bundle, hardware: Hardware, *, host: str, port: int, wishes: Wishes) -> Task:
    """Fill in what was not said, from the bundle and the hardware; the device is then the CPU.

    Raises:
        ConfigurationError: The bundle's config.json is neither a Qwen3's nor a Llama's, the context is longer than the
            model's, the weights do not fit into memory, or a GPU is asked for that is not there.
    """
    shape, device = _shape(bundle), wishes.device or Device.CPU
    weights_bytes = stored_bytes(bundle.path)
    if device is Device.CUDA and not hardware.gpus:
        raise ConfigurationError("device is cuda, but nvidia-smi names no GPU: install its driver, or choose cpu")
    longest = wishes.context_tokens or min(
        _longest_prompt(bundle.manifest.limits, bundle.manifest.role), shape.context_tokens
    )
    if longest > shape.context_tokens:
        raise ConfigurationError(
            f"context is {longest} tokens, {bundle.manifest.name!r} was built for {shape.context_tokens}: choose less"
        )
    num_parameters = weights_bytes // 2  # bundles store bfloat16
    chosen = wishes.dtype or default_dtype(weights_bytes, hardware)
    needed = num_parameters * chosen.num_bytes
    memory = hardware.gpus[0].memory_bytes if device is Device.CUDA else hardware.available_bytes
    if needed + _LEAST_KV_BYTES > memory:
        raise ConfigurationError(
            f"{bundle.manifest.name!r} takes {needed / 1e9:.1f} GB in {chosen}, "
            f"{memory / 1e9:.1f} GB of memory are free: stop something, choose bfloat16, or a smaller bundle"
        )
    wanted = _num_sequences(device) * longest * shape.kv_values_per_token * chosen.num_bytes
    bounded = max(_LEAST_KV_BYTES, min(wanted, int(_KV_SHARE * (memory - needed))))
    return Task(
        bundle=bundle,
        shape=shape,
        weights_bytes=weights_bytes,
        host=host,
        port=port,
        device=device,
        dtype=chosen,
        threads=wishes.threads or len(hardware.cores),
        context_tokens=longest,
        kv_bytes=bounded if wishes.kv_mib is None else wishes.kv_mib << 20,
        multi_item=wishes.multi_item,
    )


def _num_sequences(device: Device) -> int:
    return _GPU_SEQUENCES if device is Device.CUDA else _CPU_SEQUENCES


def stored_bytes(bundle: Path) -> int:
    """Size of a bundle's weights."""
    return (bundle / "model.safetensors").stat().st_size


def default_dtype(weights_bytes: int, hardware: Hardware) -> Dtype:
    """What weights that are stored in so many bytes are computed in, where nobody says otherwise."""
    is_large = weights_bytes // 2 > _LARGEST_FLOAT32_PARAMETERS  # bundles store bfloat16
    return Dtype.BFLOAT16 if is_large and hardware.has_bfloat16 else Dtype.FLOAT32


def _longest_prompt(limits: PromptLimits, role: Role) -> int:
    """Longest prompt that this project renders, with its answer; the marks between the parts are some of the slack."""
    parts = limits.body + limits.summary if role is Role.SUMMARIZER else limits.query + limits.header + limits.summary
    return _CONTEXT_STEP * (parts // _CONTEXT_STEP + 2)


def _shape(bundle: Bundle) -> ModelShape:
    file = bundle.path / "config.json"
    generation = bundle.path / "generation_config.json"
    try:
        config = json.loads(file.read_bytes())
        return parse_shape(config, json.loads(generation.read_bytes()) if generation.exists() else {}, source=str(file))
    except (OSError, ValueError, BundleError) as error:
        raise ConfigurationError(f"bundle {str(bundle.path)!r} cannot be served: {error}") from error
