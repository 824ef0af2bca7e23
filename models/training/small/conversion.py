"""A Llama as a GGUF file keeps it, in the layout of transformers: numbers, names, and the order of rows.

Shape suffixes: H heads, D head size, E hidden size.
"""

from collections.abc import Mapping
from typing import Any

import torch
from gguf import GGUFReader, dequantize
from transformers import LlamaConfig

from schemas.errors import ConfigurationError

__all__ = ["fields_of", "read_config", "read_weights"]

_OUTER = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_OF_A_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_SIGNIFICANT_DIGITS = 7


def fields_of(reader: GGUFReader) -> dict[str, Any]:
    """The metadata: text, numbers and lists by name."""
    return {name: field.contents() for name, field in reader.fields.items()}


def read_config(fields: Mapping[str, Any], *, is_head_tied: bool) -> LlamaConfig:
    """The config.json that metadata stand for.

    Args:
        fields: As :func:`fields_of` gives them.
        is_head_tied: The file holds no head, which is the embedding then.

    Raises:
        ConfigurationError: Another architecture, or a rotary embedding that is scaled.
    """
    if (architecture := fields["general.architecture"]) != "llama":
        raise ConfigurationError(f"the GGUF file holds a {architecture!r}, only 'llama' is converted")
    if (scaling := fields.get("llama.rope.scaling.type", "none")) != "none":
        raise ConfigurationError(f"the GGUF file scales its rotary embedding ({scaling!r}), which is not converted")
    num_heads = fields["llama.attention.head_count"]
    return LlamaConfig(
        vocab_size=len(fields["tokenizer.ggml.tokens"]),
        hidden_size=fields["llama.embedding_length"],
        intermediate_size=fields["llama.feed_forward_length"],
        num_hidden_layers=fields["llama.block_count"],
        num_attention_heads=num_heads,
        num_key_value_heads=fields["llama.attention.head_count_kv"],
        head_dim=fields["llama.embedding_length"] // num_heads,
        max_position_embeddings=fields["llama.context_length"],
        rms_norm_eps=_decimal(fields["llama.attention.layer_norm_rms_epsilon"]),
        rope_parameters={"rope_type": "default", "rope_theta": _decimal(fields["llama.rope.freq_base"])},
        tie_word_embeddings=is_head_tied,
        bos_token_id=fields["tokenizer.ggml.bos_token_id"],
        eos_token_id=fields["tokenizer.ggml.eos_token_id"],
        pad_token_id=fields["tokenizer.ggml.padding_token_id"],
        dtype=torch.bfloat16,
        architectures=["LlamaForCausalLM"],
    )


def read_weights(reader: GGUFReader, config: LlamaConfig, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """All tensors by their names in transformers, dequantised in float32, then rounded to ``dtype`` once.

    Raises:
        ConfigurationError: A tensor that such a model does not have.
    """
    weights = {}
    for stored in reader.tensors:
        weight = torch.from_numpy(dequantize(stored.data, stored.tensor_type).copy())
        if stored.name.endswith("attn_q.weight"):
            weight = _half_split(weight, config.num_attention_heads)
        elif stored.name.endswith("attn_k.weight"):
            weight = _half_split(weight, config.num_key_value_heads)
        weights[_name_of(stored.name)] = weight.to(dtype)
    return weights


def _half_split(weight_HDE: torch.Tensor, num_heads: int) -> torch.Tensor:
    """Rows of queries or keys, [H D, E], in the order in which transformers rotates them.

    GGUF keeps the two values of a rotated pair beside each other (2 i, 2 i + 1), transformers half a head apart
    (i, i + D/2).
    """
    pairs_HD2E = weight_HDE.unflatten(0, (num_heads, -1, 2))
    return pairs_HD2E.transpose(1, 2).flatten(0, 2).contiguous()


def _name_of(name: str) -> str:
    if name in _OUTER:
        return _OUTER[name]
    block, index, part, kind = [*name.split("."), "", "", ""][:4]
    if block != "blk" or part not in _OF_A_LAYER or kind != "weight":
        raise ConfigurationError(f"the GGUF file holds a tensor {name!r}, which a Llama without biases does not have")
    return f"model.layers.{index}.{_OF_A_LAYER[part]}.weight"


def _decimal(stored: float) -> float:
    """The decimal number that was stored in float32: 1e-05, not 9.999999747378752e-06."""
    return float(f"{stored:.{_SIGNIFICANT_DIGITS}g}")
