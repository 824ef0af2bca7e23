"""Chooses the matrix-product kernel. The only module that knows about a kernel library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from models.engine.layers import Linear


def choose_linear(device: torch.device, dtype: torch.dtype) -> Linear:
    """``x @ weight.T`` for 2-D ``x``, by the fastest kernel there is for the device and type.

    On x86 torch sends float32 products to MKL, which does not use AVX-512 on processors of another maker; oneDNN, in
    the same wheel, does: 226 against 101 GFLOP/s on one EPYC core (M 600, K 256, N 1536). torch already sends bfloat16
    there. Where the operator is missing the plain product is used: same numbers up to rounding, only slower.
    """
    if device.type == "cpu" and dtype == torch.float32 and _has_onednn_linear():
        return _onednn_linear
    return F.linear


def _has_onednn_linear() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _onednn_linear(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")  # noqa: SLF001 - what torch.compile emits for a linear layer; no public name
    return product
