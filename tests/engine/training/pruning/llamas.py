"""The small models of these tests with the other architecture that is pruned."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from models.training.architecture import Shape


def build_llama(shape: Shape, vocabulary_size: int, seed: int) -> LlamaForCausalLM:
    """As ``build_model``, without norms of heads."""
    config = LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        intermediate_size=shape.mlp,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config)
