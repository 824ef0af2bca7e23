"""Builds a ``Model`` from the tensors of a checkpoint: checks shapes, fuses projections, moves and casts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.engine.checkpoint import read_tensors
from models.engine.errors import BundleError
from models.engine.kernels import choose_linear
from models.engine.layers import Layer, Model, rotary_tables

if TYPE_CHECKING:
    from models.engine.checkpoint import Bundle


def load_model(bundle: Bundle, *, device: torch.device, dtype: torch.dtype) -> Model:
    """Read the weights of a bundle onto a device, cast to ``dtype`` (bfloat16 to float32 is exact).

    Raises:
        BundleError: A file cannot be read, or a tensor is missing or has another shape than config.json says.
    """
    shape = bundle.shape
    take = _Taker(bundle, read_tensors(bundle), device, dtype)
    embedding = take("model.embed_tokens.weight", shape.vocab_size, shape.hidden_size)
    head = embedding if shape.is_head_tied else take("lm_head.weight", shape.vocab_size, shape.hidden_size)
    cos, sin = rotary_tables(shape, device, dtype)
    return Model(
        shape=shape,
        embedding_VE=embedding,
        layers=tuple(_layer(take, bundle, index) for index in range(shape.num_layers)),
        final_norm_E=take("model.norm.weight", shape.hidden_size),
        head_VE=head,
        cos_CD=cos,
        sin_CD=sin,
        linear=choose_linear(device, dtype),
    )


class _Taker:
    """Takes one tensor at a time out of the checkpoint, checked, cast and moved."""

    def __init__(
        self, bundle: Bundle, tensors: dict[str, torch.Tensor], device: torch.device, dtype: torch.dtype
    ) -> None:
        self._where = str(bundle.weight_files[0] if len(bundle.weight_files) == 1 else bundle.path)
        self._tensors = tensors
        self._device = device
        self._dtype = dtype

    def __call__(self, name: str, *size: int) -> torch.Tensor:
        tensor = self._tensors.pop(name, None)
        if tensor is None:
            raise BundleError(f"{self._where}: tensor {name!r} is missing")
        if tuple(tensor.shape) != size:
            raise BundleError(f"{self._where}: tensor {name!r} is {list(tensor.shape)}, config.json says {list(size)}")
        return tensor.to(device=self._device, dtype=self._dtype)


def _layer(take: _Taker, bundle: Bundle, index: int) -> Layer:
    shape = bundle.shape
    hidden, inner = shape.hidden_size, shape.intermediate_size
    q_size, kv_size = shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim
    at = f"model.layers.{index}."
    query_norm = take(f"{at}self_attn.q_norm.weight", shape.head_dim)
    key_norm = take(f"{at}self_attn.k_norm.weight", shape.head_dim)
    return Layer(
        attention_norm_E=take(f"{at}input_layernorm.weight", hidden),
        qkv_WE=torch.cat(
            [
                take(f"{at}self_attn.q_proj.weight", q_size, hidden),
                take(f"{at}self_attn.k_proj.weight", kv_size, hidden),
                take(f"{at}self_attn.v_proj.weight", kv_size, hidden),
            ]
        ),
        qk_norm_HKD=torch.cat([query_norm.expand(shape.num_heads, -1), key_norm.expand(shape.num_kv_heads, -1)]),
        output_EW=take(f"{at}self_attn.o_proj.weight", hidden, q_size),
        mlp_norm_E=take(f"{at}post_attention_layernorm.weight", hidden),
        gate_up_ME=torch.cat(
            [take(f"{at}mlp.gate_proj.weight", inner, hidden), take(f"{at}mlp.up_proj.weight", inner, hidden)]
        ),
        down_EM=take(f"{at}mlp.down_proj.weight", hidden, inner),
    )
