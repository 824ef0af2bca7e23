"""The tiny models: the Qwen3 architecture of transformers at a few million parameters, from seeded random weights."""

from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

__all__ = ["ATTENTION_IN_TRAINING", "TINY", "CausalModel", "Shape", "build_model", "count_parameters"]

MAX_POSITIONS = 2048
ATTENTION_IN_TRAINING = "eager"
"""On CPUs the plain attention is 1.4 times as fast in training as the fused one, whose gradient is slow there."""
_PAD_ID, _EOS_ID = 0, 1

CausalModel = Qwen3ForCausalLM | LlamaForCausalLM
"""What is trained, pruned and measured here; the difference is the norm of heads, which a Llama lacks."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Widths and depths of a model; embeddings are tied to the head."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp: int


TINY = Shape(hidden=256, layers=4, heads=4, kv_heads=2, head_dim=64, mlp=512)
"""3.4 million parameters at a vocabulary of 4,096: 7 MB in bfloat16. The ranker's MLP is narrower: 2.3 million."""


def build_model(shape: Shape, vocabulary_size: int, seed: int) -> Qwen3ForCausalLM:
    """A model with random weights: the same seed gives the same weights."""
    config = Qwen3Config(
        vocab_size=vocabulary_size,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        intermediate_size=shape.mlp,
        max_position_embeddings=MAX_POSITIONS,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        attention_bias=False,
        pad_token_id=_PAD_ID,
        eos_token_id=_EOS_ID,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(config)
    model.set_attn_implementation(ATTENTION_IN_TRAINING)
    return model


def count_parameters(model: torch.nn.Module) -> int:
    """Number of different parameters; tied ones count once."""
    return sum(parameter.numel() for parameter in model.parameters())
