"""The parts of a Qwen3 or Llama decoder layer, as functions over rows of tokens.

A pass works on N token rows, whatever sequences they belong to; only attention knows about sequences.

Shape suffixes: N token rows, E hidden size, H query heads, K key-value heads, D head size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from models.engine.kernels import normalise

if TYPE_CHECKING:
    from models.engine.kernels import Matrix, Rows
    from models.engine.shape import ModelShape


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of one decoder layer. Norm weights are folded into what reads the normalised rows."""

    query: Matrix
    """[H*D, E], columns scaled by the attention norm."""
    key_value: Matrix
    """[2*K*D, E], keys, then values; columns scaled by the attention norm."""
    query_norm_D: torch.Tensor | None
    """None, as is ``key_norm_D``, where heads are not normalised (``ModelShape.has_head_norms``)."""
    key_norm_D: torch.Tensor | None
    output: Matrix
    """[E, H*D]."""
    gate: Matrix
    """[inner, E], columns scaled by the feed-forward norm."""
    up: Matrix
    """[inner, E], columns scaled by the feed-forward norm."""
    down: Matrix
    """[E, inner]."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded decoder, ready to compute on one device in one type. Immutable; safe to share."""

    shape: ModelShape
    embedding_VE: torch.Tensor
    layers: tuple[Layer, ...]
    final_norm_E: torch.Tensor
    head_VE: torch.Tensor
    """The embedding itself where the head is tied."""
    head: Matrix
    """``head_VE`` for products with the whole vocabulary."""
    cos_CD: torch.Tensor
    """[context, D] cosines of the rotary embedding, both halves, float32."""
    sin_CD: torch.Tensor
    """[context, D] sines, float32, the first half negated, so that a rotation is two products and a sum."""

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.embedding_VE.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of weights and activations."""
        return self.embedding_VE.dtype

    def rotary(self, positions_N: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines of the given positions, each [N, D], for ``project_q`` and ``project_kv``."""
        return self.cos_CD[positions_N], self.sin_CD[positions_N]

    def logits(self, hidden_NE: torch.Tensor) -> torch.Tensor:
        """[N, V] over the whole vocabulary, of hidden states normalised for the head, in the model's type."""
        return self.head.product(self.head.read(hidden_NE))


def finish(model: Model, x_NE: torch.Tensor) -> torch.Tensor:
    """Hidden states normalised for the head."""
    return F.rms_norm(x_NE, (x_NE.shape[-1],), model.final_norm_E, model.shape.norm_eps)


def rotary_tables(shape: ModelShape, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine tables [context, D] for ``Model``, in float32, as transformers computes them."""
    exponents = torch.arange(0, shape.head_dim, 2, dtype=torch.float32, device=device) / shape.head_dim
    frequencies = 1.0 / (shape.rope_theta**exponents)
    positions = torch.arange(shape.context_tokens, dtype=torch.float32, device=device)
    angles = positions[:, None] * frequencies[None, :]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def project_q(model: Model, layer: Layer, h: Rows, rotary: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Queries [N, H, D], rotated, of the normalised rows as ``layer.query`` reads them."""
    return norm_and_rotate(_heads(model, layer.query.product(h)), layer.query_norm_D, rotary, model.shape.norm_eps)


def project_kv(
    model: Model, layer: Layer, h: Rows, rotary: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys [N, K, D], rotated, and values [N, K, D], of the same rows as ``project_q``."""
    k_NKD, v_NKD = _heads(model, layer.key_value.product(h)).chunk(2, dim=1)
    return norm_and_rotate(k_NKD, layer.key_norm_D, rotary, model.shape.norm_eps), v_NKD


def finish_layer(model: Model, layer: Layer, x_NE: torch.Tensor, attended_NHD: torch.Tensor) -> torch.Tensor:
    """Output projection, residual, feed-forward, residual."""
    x_NE = layer.output.plus(layer.output.read(attended_NHD.flatten(1)), x_NE)
    h = layer.gate.read(normalise(x_NE, model.shape.norm_eps))
    return layer.down.plus(layer.down.read(layer.up.times(h, layer.gate.silu(h))), x_NE)


def _heads(model: Model, rows: torch.Tensor) -> torch.Tensor:
    return rows.view(rows.shape[0], -1, model.shape.head_dim)


def norm_and_rotate(
    x_NWD: torch.Tensor, weight_D: torch.Tensor | None, rotary: tuple[torch.Tensor, torch.Tensor], eps: float
) -> torch.Tensor:
    """Heads normalised, where they have a norm, and rotated.

    The norm's weight goes into the tables: one row a token, not one a head.
    """
    cos_ND, sin_ND = rotary
    half, dtype = cos_ND.shape[-1] // 2, x_NWD.dtype
    if weight_D is not None:
        cos_ND, sin_ND = cos_ND * weight_D, sin_ND * weight_D.roll(half)
        x_NWD = normalise(x_NWD.reshape(-1, 2 * half), eps).view(x_NWD.shape)
    cos_ND, sin_ND = cos_ND.to(dtype), sin_ND.to(dtype)
    return torch.addcmul(x_NWD * cos_ND[:, None], x_NWD.roll(half, dims=-1), sin_ND[:, None])
