"""Weights in int8 on the CPU: per-channel symmetric weights, activations quantised row by row as they come.

Products run on VNNI or AMX with exact int32 sums; scales are applied to the sums. Norms, rotary embedding, attention,
residuals, embedding and head stay in the type of the computation.

It halves the memory of bfloat16 weights and is not known to be faster: with AMX the products take so little that the
passes around them decide (`precis bench engine` tells for a machine).

Shape suffixes: N token rows, I inputs, O outputs.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from models.engine.errors import BundleError

_LEVELS = 127
"""Largest magnitude; -128 is left out, so that the range is symmetric."""
_SMALLEST_SCALE = 1e-30
"""Of a row of zeros, which divides by it."""
_MAGNITUDE_BITS = 0x7FFF
_UP_LEVEL = (1 + 2**-8) / _LEVELS
"""Half a step of bfloat16 above: rounding to the nearest cannot end below."""
_onednn = torch.ops.onednn


def quantise_rows(x_NI: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each row as int8 times one scale.

    The scale is rounded to the type of ``x`` before anything is divided by it, so it is exact when it is multiplied
    with again. A value comes back within half a scale, and within one where rounding made the scale too small for the
    largest one. A row with NaN or infinity has a scale that is not finite, so its products are not finite either.

    Returns:
        Integers [N, I] and scales [N, 1] of the type of ``x``.
    """
    if x_NI.dtype == torch.bfloat16:
        return _quantise_bfloat16(x_NI)
    largest_N1 = x_NI.abs().amax(-1, keepdim=True)
    scale_N1 = (largest_N1.float() / _LEVELS).clamp_min_(_SMALLEST_SCALE).to(x_NI.dtype)
    levels_NI = (x_NI.float() / scale_N1.float()).round_().clamp_(-_LEVELS, _LEVELS)
    return levels_NI.to(torch.int8), scale_N1


def _quantise_bfloat16(x_NI: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Five vectorised passes, 2 ms for 2060 x 1024 on one core where ``vector_norm`` of order infinity takes 6 alone.

    Without their sign bfloat16 numbers are ordered as the integers of their bits are, infinity and NaN last. The scale
    is rounded up, so that nothing has to be clamped; quotients are rounded to 8 bits before they are to integers.
    """
    largest_N1 = (x_NI.view(torch.int16) & _MAGNITUDE_BITS).amax(-1, keepdim=True).view(torch.bfloat16)
    scale_N1 = (largest_N1.float() * _UP_LEVEL).clamp_min_(_SMALLEST_SCALE).to(torch.bfloat16)
    return (x_NI / scale_N1).round_().to(torch.int8), scale_N1


class Int8Rows(NamedTuple):
    """Rows as these products read them."""

    levels_NI: torch.Tensor
    scale_N1: torch.Tensor

    @classmethod
    def of(cls, x_NI: torch.Tensor) -> Int8Rows:
        """Quantise."""
        return cls(*quantise_rows(x_NI))


class Int8Matrix:
    """A ``kernels.Matrix`` whose weight is stored and multiplied in int8."""

    read = staticmethod(Int8Rows.of)

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

    def product(self, rows: Int8Rows) -> torch.Tensor:
        """See ``Matrix``."""
        return self._unscaled(rows).mul_(rows.scale_N1)

    def silu(self, rows: Int8Rows) -> torch.Tensor:
        """See ``Matrix``."""
        return F.silu(self.product(rows), inplace=True)

    def times(self, rows: Int8Rows, factor_NO: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return self.product(rows).mul_(factor_NO)

    def plus(self, rows: Int8Rows, addend_NO: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return torch.addcmul(addend_NO, self._unscaled(rows), rows.scale_N1)

    def _unscaled(self, rows: Int8Rows) -> torch.Tensor:
        """Sums times the channels' scales, [N, O], of the type of the rows' scales."""
        sums_NO: torch.Tensor = _onednn.qlinear_pointwise(
            *(rows.levels_NI, 1.0, 0),
            *(self._weight, self._scale_O, self._zero_points_O),
            *(None, 1.0, 0, rows.scale_N1.dtype),
            *("none", [], ""),
        )
        return sums_NO


def has_int8() -> bool:
    """Int8 products run here at full speed and without overflow between two products."""
    return (
        torch.backends.mkldnn.is_available()
        and hasattr(_onednn, "qlinear_pointwise")
        and torch.cpu._is_vnni_supported()  # noqa: SLF001 - no public name
    )
