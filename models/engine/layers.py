"""The parts of a Qwen3 decoder layer, as functions over rows of tokens.

A pass works on N token rows, whatever sequences they belong to; only attention knows about sequences.

Shape suffixes: N token rows, E hidden size, H query heads, K key-value heads, D head size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.engine.shape import ModelShape

    Linear = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of one decoder layer, fused where two projections read the same input."""

    attention_norm_E: torch.Tensor
    qkv_WE: torch.Tensor
    """Rows: H*D of queries, K*D of keys, K*D of values."""
    qk_norm_HKD: torch.Tensor
    """[H + K, D] norm weights of queries and keys, one row a head, so that both are normalised at once."""
    output_EW: torch.Tensor
    mlp_norm_E: torch.Tensor
    gate_up_ME: torch.Tensor
    """Rows: gate, then up."""
    down_EM: torch.Tensor


_MATRICES_AND_NORMS = ("attention_norm_E", "qkv_WE", "output_EW", "mlp_norm_E", "gate_up_ME", "down_EM")
"""All of a layer but the query-key norms, which are repeated for each head."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded decoder, ready to compute on one device in one type. Immutable; safe to share."""

    shape: ModelShape
    embedding_VE: torch.Tensor
    layers: tuple[Layer, ...]
    final_norm_E: torch.Tensor
    head_VE: torch.Tensor
    """The embedding itself where the head is tied."""
    cos_CD: torch.Tensor
    """[context, D] cosines of the rotary embedding, both halves."""
    sin_CD: torch.Tensor
    """[context, D] sines, the first half negated, so that a rotation is two products and a sum."""
    linear: Linear
    """``x @ weight.T`` by the fastest kernel for this device and type."""

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.embedding_VE.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of weights and activations."""
        return self.embedding_VE.dtype

    @property
    def num_parameters(self) -> int:
        """Weights of the checkpoint; a tied head counts once."""
        heads = [] if self.head_VE is self.embedding_VE else [self.head_VE]
        per_layer = sum(getattr(layer, name).numel() for layer in self.layers for name in _MATRICES_AND_NORMS)
        qk_norms = 2 * self.shape.head_dim * len(self.layers)
        outer = sum(tensor.numel() for tensor in (self.embedding_VE, self.final_norm_E, *heads))
        return per_layer + qk_norms + outer

    def rotary(self, positions_N: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines of the given positions, each [N, 1, D], for ``project_qkv`` and its halves."""
        return self.cos_CD[positions_N, None], self.sin_CD[positions_N, None]


def rms_norm(x: torch.Tensor, weight: torch.Tensor | None, eps: float) -> torch.Tensor:
    """Root-mean-square norm over the last dimension."""
    return F.rms_norm(x, (x.shape[-1],), weight, eps)


def rotary_tables(shape: ModelShape, device: torch.device, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine tables [context, D] for ``Model``; angles in float32, as transformers computes them."""
    exponents = torch.arange(0, shape.head_dim, 2, dtype=torch.float32, device=device) / shape.head_dim
    frequencies = 1.0 / (shape.rope_theta**exponents)
    positions = torch.arange(shape.context_tokens, dtype=torch.float32, device=device)
    angles = positions[:, None] * frequencies[None, :]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1).to(dtype), torch.cat([-sin, sin], dim=-1).to(dtype)


def project_qkv(
    model: Model, layer: Layer, h_NE: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries [N, H, D], keys [N, K, D] and values [N, K, D]; queries and keys normalised and rotated."""
    num_heads = model.shape.num_heads
    rows_NWD = _heads(model, model.linear(h_NE, layer.qkv_WE))
    num_qk = num_heads + model.shape.num_kv_heads
    qk_NWD = _norm_and_rotate(model, rows_NWD[:, :num_qk], layer.qk_norm_HKD, rotary)
    return qk_NWD[:, :num_heads], qk_NWD[:, num_heads:], rows_NWD[:, num_qk:]


def project_kv(
    model: Model, layer: Layer, h_NE: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values only: all that the last layer needs from rows whose output nobody reads."""
    num_heads, num_kv_heads = model.shape.num_heads, model.shape.num_kv_heads
    rows_NWD = _heads(model, model.linear(h_NE, layer.qkv_WE[num_heads * model.shape.head_dim :]))
    k_NKD = _norm_and_rotate(model, rows_NWD[:, :num_kv_heads], layer.qk_norm_HKD[num_heads:], rotary)
    return k_NKD, rows_NWD[:, num_kv_heads:]


def project_q(
    model: Model, layer: Layer, h_NE: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """Queries only [N, H, D]: the other half of ``project_kv``, for the rows whose output is read."""
    num_heads = model.shape.num_heads
    rows_NHD = _heads(model, model.linear(h_NE, layer.qkv_WE[: num_heads * model.shape.head_dim]))
    return _norm_and_rotate(model, rows_NHD, layer.qk_norm_HKD[:num_heads], rotary)


def finish_layer(model: Model, layer: Layer, x_NE: torch.Tensor, attended_NHD: torch.Tensor) -> torch.Tensor:
    """Output projection, residual, feed-forward, residual."""
    x_NE = x_NE + model.linear(attended_NHD.flatten(1), layer.output_EW)
    h_NE = rms_norm(x_NE, layer.mlp_norm_E, model.shape.norm_eps)
    gate_NM, up_NM = model.linear(h_NE, layer.gate_up_ME).chunk(2, dim=-1)
    return x_NE + model.linear(F.silu(gate_NM).mul_(up_NM), layer.down_EM)


def _heads(model: Model, rows: torch.Tensor) -> torch.Tensor:
    return rows.view(rows.shape[0], -1, model.shape.head_dim)


def _norm_and_rotate(
    model: Model, x_NWD: torch.Tensor, weight_WD: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    cos_N1D, sin_N1D = rotary
    x_NWD = rms_norm(x_NWD, None, model.shape.norm_eps).mul_(weight_WD)
    swapped_NWD = x_NWD.roll(model.shape.head_dim // 2, dims=-1)
    return torch.addcmul(x_NWD * cos_N1D, swapped_NWD, sin_N1D)
