"""The numbers of a Qwen3 or Llama checkpoint, read from its config.json and checked. No tensors, no files.

The two differ in one place: Qwen3 normalises each query and key head before it is rotated, Llama does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.engine.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUIRED = (
    "num_hidden_layers",
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
)
_QWEN3, _LLAMA = "qwen3", "llama"
_DEFAULT_QWEN3_HEAD_DIM = 128
_DEFAULT_CONTEXT = {_QWEN3: 32_768, _LLAMA: 2048}
_DEFAULT_NORM_EPS = 1e-6
_DEFAULT_ROPE_THETA = 10_000.0


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Sizes and constants of one decoder."""

    num_layers: int
    hidden_size: int
    intermediate_size: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    vocab_size: int
    context_tokens: int
    """Positions the model was built for."""
    rope_theta: float
    norm_eps: float
    has_head_norms: bool
    """Queries and keys are normalised head by head."""
    is_head_tied: bool
    """The head is the embedding."""
    eos_token_ids: tuple[int, ...]
    """Tokens that end a completion; may be empty."""

    @property
    def kv_values_per_token(self) -> int:
        """Numbers the decode cache holds for one token, keys and values of all layers."""
        return 2 * self.num_layers * self.num_kv_heads * self.head_dim

    @property
    def matrix_parameters(self) -> int:
        """Weights of all layers' matrices: what each token row is multiplied with, twice as many operations."""
        q_size, kv_size = self.num_heads * self.head_dim, self.num_kv_heads * self.head_dim
        per_layer = self.hidden_size * (2 * q_size + 2 * kv_size + 3 * self.intermediate_size)
        return self.num_layers * per_layer

    @property
    def num_parameters(self) -> int:
        """Weights of the checkpoint; a tied head counts once."""
        normalised = self.hidden_size + (self.head_dim if self.has_head_norms else 0)
        norms = self.num_layers * 2 * normalised + self.hidden_size
        outer = self.vocab_size * self.hidden_size * (1 if self.is_head_tied else 2)
        return self.matrix_parameters + norms + outer


def parse_shape(config: Mapping[str, Any], generation: Mapping[str, Any], *, source: str) -> ModelShape:
    """Check a config.json and take its numbers.

    Args:
        config: Parsed config.json.
        generation: Parsed generation_config.json, empty where the bundle has none. Its eos wins, as in transformers.
        source: Path of config.json, for messages.

    Raises:
        BundleError: Another architecture, a variant that this forward pass does not compute, or a missing number.
    """
    _refuse_other_models(config, source)
    missing = [name for name in _REQUIRED if not isinstance(config.get(name), int)]
    if missing:
        raise BundleError(f"{source}: {', '.join(missing)} missing or not a whole number")
    num_heads, num_kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    if min(num_heads, num_kv_heads) < 1 or num_heads % num_kv_heads:
        raise BundleError(f"{source}: num_attention_heads {num_heads} is not a multiple of {num_kv_heads} kv heads")
    return ModelShape(
        num_layers=config["num_hidden_layers"],
        hidden_size=config["hidden_size"],
        intermediate_size=config["intermediate_size"],
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        head_dim=_head_dim(config, source),
        vocab_size=config["vocab_size"],
        context_tokens=config.get("max_position_embeddings") or _DEFAULT_CONTEXT[config["model_type"]],
        rope_theta=_rope_theta(config, source),
        norm_eps=config.get("rms_norm_eps") or _DEFAULT_NORM_EPS,
        has_head_norms=config["model_type"] == _QWEN3,
        is_head_tied=bool(config.get("tie_word_embeddings", False)),
        eos_token_ids=_eos_token_ids(config, generation),
    )


def _refuse_other_models(config: Mapping[str, Any], source: str) -> None:
    if config.get("model_type") not in {_QWEN3, _LLAMA}:
        raise BundleError(f"{source}: model_type {config.get('model_type')!r}; this engine runs 'qwen3' and 'llama'")
    if config.get("hidden_act", "silu") != "silu":
        raise BundleError(f"{source}: hidden_act {config['hidden_act']!r}; this engine computes 'silu'")
    for name in ("attention_bias", "mlp_bias"):
        if config.get(name):
            raise BundleError(f"{source}: {name} is set; this engine computes products without bias")
    layer_types = config.get("layer_types") or []
    if config.get("use_sliding_window") or "sliding_attention" in layer_types:
        raise BundleError(f"{source}: sliding-window attention; this engine computes full attention only")


def _head_dim(config: Mapping[str, Any], source: str) -> int:
    """As stated; Llama's unstated one is what the hidden size leaves each head."""
    hidden_size, num_heads = config["hidden_size"], config["num_attention_heads"]
    if stated := config.get("head_dim"):
        return int(stated)
    if config["model_type"] == _QWEN3:
        return _DEFAULT_QWEN3_HEAD_DIM
    if hidden_size % num_heads:
        raise BundleError(f"{source}: no head_dim, and hidden_size {hidden_size} does not divide by {num_heads} heads")
    return int(hidden_size // num_heads)


def _rope_theta(config: Mapping[str, Any], source: str) -> float:
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise BundleError(f"{source}: rope_type {kind!r}; this engine computes 'default'")
    return float(rope.get("rope_theta") or config.get("rope_theta") or _DEFAULT_ROPE_THETA)


def _eos_token_ids(config: Mapping[str, Any], generation: Mapping[str, Any]) -> tuple[int, ...]:
    eos = generation.get("eos_token_id", config.get("eos_token_id"))
    if eos is None:
        return ()
    return tuple(eos) if isinstance(eos, list) else (eos,)
