"""Builds a ``Model`` from the tensors of a checkpoint: checks shapes, folds norms into matrices, moves and casts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.engine.checkpoint import read_tensors
from models.engine.errors import BundleError
from models.engine.kernels import choose_head, choose_matrix
from models.engine.layers import Layer, Model, rotary_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.engine.checkpoint import Bundle
    from models.engine.kernels import Matrix
    from models.engine.shape import ModelShape


def load_model(bundle: Bundle, *, device: torch.device, dtype: torch.dtype, is_int8: bool = False) -> Model:
    """Read the weights of a bundle onto a device, cast to ``dtype`` (bfloat16 to float32 is exact).

    With ``is_int8`` the layers' matrices are quantised (see ``int8``); what is around them computes in ``dtype``.

    Raises:
        BundleError: A file cannot be read, a tensor is missing or has another shape than config.json says, or int8
            does not run here.
    """
    source = str(bundle.weight_files[0] if len(bundle.weight_files) == 1 else bundle.path)
    return build_model(bundle.shape, read_tensors(bundle), device=device, dtype=dtype, source=source, is_int8=is_int8)


def build_model(
    shape: ModelShape,
    tensors: dict[str, torch.Tensor],
    *,
    device: torch.device,
    dtype: torch.dtype,
    source: str,
    is_int8: bool = False,
) -> Model:
    """A model from the tensors of a checkpoint, which are taken out of ``tensors`` one by one.

    Raises:
        BundleError: A tensor is missing or has another shape than ``shape`` says; the message names ``source``.
    """
    take = _Taker(tensors, device, source)
    embedding = take("model.embed_tokens.weight", shape.vocab_size, shape.hidden_size).to(dtype)
    head = embedding
    if not shape.is_head_tied:
        head = take("lm_head.weight", shape.vocab_size, shape.hidden_size).to(dtype)
    to_matrix = choose_matrix(device, dtype, is_int8=is_int8)
    cos, sin = rotary_tables(shape, device)
    return Model(
        shape=shape,
        embedding_VE=embedding,
        layers=tuple(
            _layer(take, shape, index, lambda weight: to_matrix(weight.to(dtype))) for index in range(shape.num_layers)
        ),
        final_norm_E=take("model.norm.weight", shape.hidden_size).to(dtype),
        head_VE=head,
        head=choose_head(head),
        cos_CD=cos,
        sin_CD=sin,
    )


class _Taker:
    """Takes one tensor at a time out of the checkpoint, checked and moved, in float32."""

    def __init__(self, tensors: dict[str, torch.Tensor], device: torch.device, source: str) -> None:
        self._source = source
        self._tensors = tensors
        self._device = device

    def __call__(self, name: str, *size: int) -> torch.Tensor:
        tensor = self._tensors.pop(name, None)
        if tensor is None:
            raise BundleError(f"{self._source}: tensor {name!r} is missing")
        if tuple(tensor.shape) != size:
            raise BundleError(f"{self._source}: tensor {name!r} is {list(tensor.shape)}, config.json says {list(size)}")
        return tensor.to(device=self._device, dtype=torch.float32)


def _layer(take: _Taker, shape: ModelShape, index: int, matrix: Callable[[torch.Tensor], Matrix]) -> Layer:
    """One layer. Norm weights are multiplied into the matrices in float32, before the one rounding of a cast."""
    hidden, inner = shape.hidden_size, shape.intermediate_size
    q_size, kv_size = shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim
    at = f"model.layers.{index}."
    attention_norm = take(f"{at}input_layernorm.weight", hidden)
    mlp_norm = take(f"{at}post_attention_layernorm.weight", hidden)
    key = take(f"{at}self_attn.k_proj.weight", kv_size, hidden)
    value = take(f"{at}self_attn.v_proj.weight", kv_size, hidden)

    def head_norm(name: str) -> torch.Tensor | None:
        return take(f"{at}self_attn.{name}.weight", shape.head_dim) if shape.has_head_norms else None

    return Layer(
        query=matrix(take(f"{at}self_attn.q_proj.weight", q_size, hidden) * attention_norm),
        key_value=matrix(torch.cat([key, value]) * attention_norm),
        query_norm_D=head_norm("q_norm"),
        key_norm_D=head_norm("k_norm"),
        output=matrix(take(f"{at}self_attn.o_proj.weight", hidden, q_size)),
        gate=matrix(take(f"{at}mlp.gate_proj.weight", inner, hidden) * mlp_norm),
        up=matrix(take(f"{at}mlp.up_proj.weight", inner, hidden) * mlp_norm),
        down=matrix(take(f"{at}mlp.down_proj.weight", hidden, inner)),
    )
