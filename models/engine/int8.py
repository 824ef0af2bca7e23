"""Weights in int8 on the CPU: per-channel symmetric weights, activations quantised row by row as they come.

Products run on VNNI or AMX with exact int32 sums; scales are applied to the sums. Norms, rotary embedding, attention,
residuals, embedding and head stay in the type of the computation.

Shape suffixes: N token rows, I inputs, O outputs.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from models.engine.errors import BundleError

_LEVELS = 127
"""Largest magnitude; -128 is left out, so that the range is symmetric."""
_SMALLEST_SCALE = 1e-30
"""Of a row of zeros, which divides by it."""
_onednn = torch.ops.onednn


def quantise_rows(x_NI: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each row as int8 times one scale.

    The scale is rounded to the type of ``x`` before anything is divided by it, so it is exact when it is multiplied
    with again. A value comes back within half a scale, and within one where rounding made the scale too small for the
    largest one. A row with NaN or infinity has a scale that is not finite, so its products are not finite either.

    Returns:
        Integers [N, I] and scales [N, 1] of the type of ``x``.
    """
    largest_N1 = torch.linalg.vector_norm(x_NI, float("inf"), dim=-1, keepdim=True)
    scale_N1 = (largest_N1.float() / _LEVELS).clamp_min_(_SMALLEST_SCALE).to(x_NI.dtype)
    levels_NI = (x_NI.float() / scale_N1.float()).round_().clamp_(-_LEVELS, _LEVELS)
    return levels_NI.to(torch.int8), scale_N1


class Int8Matrix:
    """A ``kernels.Matrix`` whose weight is stored and multiplied in int8."""

    def __init__(self, weight_OI: torch.Tensor) -> None:
        """Quantise and reorder a float weight.

        Raises:
            BundleError: This processor or torch build has no int8 products.
        """
        if not has_int8():
            raise BundleError("weights int8 need an x86-64 processor with VNNI or AMX and torch with oneDNN")
        levels_OI, scale_O1 = quantise_rows(weight_OI.float())
        self._weight = _onednn.qlinear_prepack(levels_OI, None)
        self._scale_O = scale_O1[:, 0].contiguous()
        self._zero_points_O = torch.zeros(len(levels_OI), dtype=torch.int64)

    def product(self, x_NI: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        sums_NO, scale_N1 = self._unscaled(x_NI)
        return sums_NO.mul_(scale_N1)

    def silu(self, x_NI: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return F.silu(self.product(x_NI), inplace=True)

    def times(self, x_NI: torch.Tensor, factor_NO: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return self.product(x_NI).mul_(factor_NO)

    def plus(self, x_NI: torch.Tensor, addend_NO: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        sums_NO, scale_N1 = self._unscaled(x_NI)
        return torch.addcmul(addend_NO, sums_NO, scale_N1)

    def _unscaled(self, x_NI: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Sums times the channels' scales, [N, O], and the rows' scales [N, 1], both of the type of ``x``."""
        levels_NI, scale_N1 = quantise_rows(x_NI)
        sums_NO = _onednn.qlinear_pointwise(
            *(levels_NI, 1.0, 0),
            *(self._weight, self._scale_O, self._zero_points_O),
            *(None, 1.0, 0, x_NI.dtype),
            *("none", [], ""),
        )
        return sums_NO, scale_N1


def has_int8() -> bool:
    """Int8 products run here at full speed and without overflow between two products."""
    return (
        torch.backends.mkldnn.is_available()
        and hasattr(_onednn, "qlinear_pointwise")
        and torch.cpu._is_vnni_supported()  # noqa: SLF001 - no public name
    )
