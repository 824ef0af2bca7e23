"""What stands between two attentions, as functions of bare tensors that torch.compile fuses.

They compute what ``models.engine.layers`` computes, for any rows. Attention stands apart: packed rows and a decode step
want different ones.

Shape suffixes: N token rows, E hidden size, H query heads, K key-value heads, D head size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional as F
from torch.nn.attention.flex_attention import flex_attention

from models.engine.cuda.layout import KEY_ROWS, QUERY_ROWS
from models.engine.layers import norm_and_rotate

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.nn.attention.flex_attention import BlockMask

    from models.engine.cuda.weights import JoinedLayer

Rotary = tuple[torch.Tensor, torch.Tensor]


_KERNEL_OPTIONS: Any = {
    # Rows are whole blocks, which the compiler cannot see where their number varies: no bounds to check.
    "IS_DIVISIBLE": True,
    "BLOCK_M": QUERY_ROWS,
    "BLOCK_N": KEY_ROWS,
    "num_warps": 4,
    "num_stages": 3,
}


class Projected(NamedTuple):
    """Queries [N, H, D], keys and values [N, K, D] of one layer."""

    queries: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor


def project(x_NE: torch.Tensor, layer: JoinedLayer, rotary: Rotary, eps: float) -> Projected:
    """Normalise the rows, and project and rotate the heads, normalised where they have a norm.

    Values that are not finite become zero and their keys NaN: so they reach the queries that see them, through the
    logits, and no other. Packed rows share blocks of keys, and a hidden NaN times a weight of zero would be NaN.
    """
    head_dim = rotary[0].shape[-1]
    heads = F.linear(_normalised(x_NE, eps), layer.query_key_value).unflatten(1, (-1, head_dim))
    num_query = layer.output.shape[1] // head_dim
    q_NHD, k_NKD, v_NKD = heads.tensor_split((num_query, (num_query + heads.shape[1]) // 2), dim=1)
    is_finite_NK1 = v_NKD.isfinite().all(-1, keepdim=True)
    return Projected(
        norm_and_rotate(q_NHD, layer.query_norm_D, rotary, eps),
        norm_and_rotate(k_NKD, layer.key_norm_D, rotary, eps).masked_fill(~is_finite_NK1, torch.nan),
        v_NKD.masked_fill(~is_finite_NK1, 0),
    )


def go_on(
    x_NE: torch.Tensor,
    attended_NHD: torch.Tensor,
    layer: JoinedLayer,
    following: JoinedLayer,
    rotary: Rotary,
    eps: float,
) -> tuple[torch.Tensor, Projected]:
    """From one layer's attention to the next one's: output, feed-forward, and the next projection."""
    x_NE = x_NE + F.linear(attended_NHD.flatten(1), layer.output)
    gate, up = F.linear(_normalised(x_NE, eps), layer.gate_up).chunk(2, dim=1)
    x_NE = x_NE + F.linear(F.silu(gate) * up, layer.down)
    return x_NE, project(x_NE, following, rotary, eps)


def attend_blocks(q_1HND: torch.Tensor, k_1KND: torch.Tensor, v_1KND: torch.Tensor, mask: BlockMask) -> torch.Tensor:
    """[1, H, N, D] attention over the blocks of a mask, of the queries' strides."""
    return flex_attention(q_1HND, k_1KND, v_1KND, block_mask=mask, enable_gqa=True, kernel_options=_KERNEL_OPTIONS)


class Kernels(NamedTuple):
    """The three functions above, compiled or as they are."""

    project: Callable[..., Projected]
    go_on: Callable[..., tuple[torch.Tensor, Projected]]
    attend_blocks: Callable[..., torch.Tensor]

    def attend_packed(self, projected: Projected, mask: BlockMask) -> torch.Tensor:
        """[N, H, D] attention of all rows as one sequence."""
        # The views are made here: of views made inside, the compiler for the CPU reads the sizes wrongly (torch 2.13).
        q, k, v = (rows.transpose(0, 1)[None] for rows in projected)
        return self.attend_blocks(q, k, v, mask)[0].transpose(0, 1)


AS_THEY_ARE = Kernels(project, go_on, attend_blocks)
"""Every device; FlexAttention then looks at all pairs. For tests."""


def compiled() -> Kernels:
    """Fused by torch.compile: at the first size, and once more, for all sizes, at the second.

    A function that could not be compiled whole fails: FlexAttention that is not compiled looks at all pairs of rows.
    """
    return Kernels(*(torch.compile(function, fullgraph=True) for function in AS_THEY_ARE))


def _normalised(x_NE: torch.Tensor, eps: float) -> torch.Tensor:
    return F.rms_norm(x_NE, (x_NE.shape[-1],), None, eps)
