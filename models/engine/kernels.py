"""Matrix products and norms by the fastest kernel of the device and type. The only module that knows kernel libraries.

Shape suffixes: N token rows, I inputs, O outputs of a matrix; R rows and D values of a norm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch.nn import functional as F

from models.engine.errors import BundleError
from models.engine.int8 import Int8Matrix

if TYPE_CHECKING:
    from collections.abc import Callable

_NORM_PARTS = 8
"""Most parts whose norms are taken apart in bfloat16, each rounded to 8 bits: their errors average out."""
_LEAST_PART = 64
"""Values of a part: norms of 16 values take five times as long as those of 64 (heads of 128)."""
_TILE_INPUTS = 32
_ROW_STEPS = ((64, 1024), (32, 256), (16, 128), (8, 64), (4, 32))
"""Numbers of rows are multiples of the first where they are above the second: 100 different ones up to 2,304."""


Rows = Any
"""What the products of one class of matrices read: a tensor [N, I], one with more rows, or levels and scales."""


class Matrix(Protocol):
    """A weight matrix [O, I], laid out for its kernel, with the products that the model needs.

    Products take rows [N, I] as ``read`` gives them and give [N, O] of the rows' type; a row of the answer depends on
    its own row only. What one matrix has read, others of the same class take as well.
    """

    def read(self, x_NI: torch.Tensor) -> Rows:
        """Rows in the form that the products want, made once for all matrices that read them."""

    def product(self, rows: Rows) -> torch.Tensor:
        """``x @ weight.T``."""

    def silu(self, rows: Rows) -> torch.Tensor:
        """``silu(x @ weight.T)``."""

    def times(self, rows: Rows, factor_NO: torch.Tensor) -> torch.Tensor:
        """``(x @ weight.T) * factor``."""

    def plus(self, rows: Rows, addend_NO: torch.Tensor) -> torch.Tensor:
        """``(x @ weight.T) + addend``."""


class PlainMatrix:
    """Any device and type."""

    def __init__(self, weight_OI: torch.Tensor) -> None:
        """Use the weight as it is."""
        self.weight_OI = weight_OI

    @staticmethod
    def read(x_NI: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return x_NI

    def product(self, x_NI: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return F.linear(x_NI, self.weight_OI)

    def silu(self, x_NI: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return F.silu(self.product(x_NI), inplace=True)

    def times(self, x_NI: torch.Tensor, factor_NO: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return self.product(x_NI).mul_(factor_NO)

    def plus(self, x_NI: torch.Tensor, addend_NO: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return self.product(x_NI).add_(addend_NO)


# What torch.compile emits for linear layers; there is no public name for it.
_onednn = torch.ops.mkldnn


class _WholeRows(NamedTuple):
    """Rows and inputs filled up with zeros to sizes that kernels like."""

    x_PI: torch.Tensor
    """[P, I'] at least as many rows and inputs as there are."""
    num_rows: int
    """Those that are meant."""


class OnednnMatrix:
    """CPU, through oneDNN's linear operators.

    On x86 torch sends float32 products to MKL, which does not use AVX-512 on processors of another maker; oneDNN, in
    the same wheel, does: 226 against 101 GFLOP/s on one EPYC core (M 600, K 256, N 1536). Beside that, the weight is
    reordered once instead of in each product (a decode step takes 0.6 of the time), and what follows a product is done
    while it is in the registers, in float32, instead of in passes over memory of its own.

    oneDNN writes a kernel for each number of rows when it first sees it, in a millisecond or two: as long as the
    product of 2,000 rows and a small model's matrix takes. So numbers of rows are rounded up to few.
    """

    def __init__(self, weight_OI: torch.Tensor, *, is_reordered: bool = True) -> None:
        """Take a weight in.

        Args:
            weight_OI: The weight.
            is_reordered: Keep a reordered copy; False uses the weight as it is, for one that others read as well.
        """
        # The bfloat16 tiles read to the next multiple of 32 inputs, into the next row, and multiply that by zero: its
        # NaN would reach this row.
        self._num_missing = -weight_OI.shape[1] % _TILE_INPUTS if weight_OI.dtype == torch.bfloat16 else 0
        weight_OI = _filled(weight_OI, inputs=self._num_missing)
        self._weight = _onednn._reorder_linear_weight(weight_OI) if is_reordered else weight_OI  # noqa: SLF001

    def read(self, x_NI: torch.Tensor) -> _WholeRows:
        """See ``Matrix``."""
        num_rows = x_NI.shape[0]
        return _WholeRows(_filled(x_NI, inputs=self._num_missing, rows=whole_rows(num_rows) - num_rows), num_rows)

    def product(self, rows: _WholeRows) -> torch.Tensor:
        """See ``Matrix``."""
        return self._unary(rows, "none")

    def silu(self, rows: _WholeRows) -> torch.Tensor:
        """See ``Matrix``."""
        return self._unary(rows, "swish")

    def times(self, rows: _WholeRows, factor_NO: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return self._binary(rows, factor_NO, "mul")

    def plus(self, rows: _WholeRows, addend_NO: torch.Tensor) -> torch.Tensor:
        """See ``Matrix``."""
        return self._binary(rows, addend_NO, "add")

    def _unary(self, rows: _WholeRows, then: str) -> torch.Tensor:
        out_PO = _onednn._linear_pointwise(rows.x_PI, self._weight, None, then, [], "")  # noqa: SLF001
        return out_PO[: rows.num_rows]

    def _binary(self, rows: _WholeRows, other_NO: torch.Tensor, then: str) -> torch.Tensor:
        other_PO = _filled(other_NO, rows=len(rows.x_PI) - rows.num_rows)
        out_PO = _onednn._linear_pointwise.binary(rows.x_PI, other_PO, self._weight, None, then)  # noqa: SLF001
        return out_PO[: rows.num_rows]


def whole_rows(num_rows: int) -> int:
    """The number of rows that a product is computed with: at most an eighth more, few different ones."""
    step = next((step for step, above in _ROW_STEPS if num_rows > above), 1)
    return -(-num_rows // step) * step


def _filled(x_NI: torch.Tensor, *, inputs: int = 0, rows: int = 0) -> torch.Tensor:
    return F.pad(x_NI, (0, inputs, 0, rows)) if inputs or rows else x_NI


def choose_matrix(
    device: torch.device, dtype: torch.dtype, *, is_int8: bool = False
) -> Callable[[torch.Tensor], Matrix]:
    """What lays a weight out for the fastest kernel there is for the device and type.

    Raises:
        BundleError: Int8 was asked for on another device than the CPU.
    """
    if is_int8 and device.type != "cpu":
        raise BundleError(f"weights int8 run on the CPU only, not on {device.type}: use --device cpu or leave them out")
    if is_int8:
        return Int8Matrix
    return OnednnMatrix if _has_onednn(device, dtype) else PlainMatrix


def choose_head(weight_VE: torch.Tensor) -> Matrix:
    """The head's matrix; the weight stays as it is, because a tied embedding and label rows are read from it."""
    if _has_onednn(weight_VE.device, weight_VE.dtype):
        return OnednnMatrix(weight_VE, is_reordered=False)
    return PlainMatrix(weight_VE)


def _has_onednn(device: torch.device, dtype: torch.dtype) -> bool:
    """Where an operator is missing the plain product is used: same numbers up to rounding, only slower."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if not hasattr(_onednn, "_linear_pointwise"):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and _onednn._is_mkldnn_bf16_supported())  # noqa: SLF001


def normalise(x_RD: torch.Tensor, eps: float) -> torch.Tensor:
    """``x / sqrt(mean(x ** 2) + eps)`` for each row: the root-mean-square norm without its weight.

    On the CPU torch computes ``rms_norm`` in eight passes. Two do: norms of the rows, then the inference step of batch
    normalisation with the rows for channels, whose statistics are float32 in any type. In bfloat16 a norm is taken over
    parts of a row (see ``_NORM_PARTS``): float32 norms of bfloat16 rows cost four times as much, and one rounded norm
    scales its whole row wrongly by up to 0.4 %.
    """
    num_rows, size = x_RD.shape
    if x_RD.device.type != "cpu":
        return F.rms_norm(x_RD, (size,), None, eps)
    num_parts = max(1, min(_NORM_PARTS, size // _LEAST_PART)) if x_RD.dtype == torch.bfloat16 else 1
    num_parts = num_parts if size % num_parts == 0 else 1
    norms_RP = torch.linalg.vector_norm(x_RD.view(num_rows, num_parts, -1), dim=-1).float()
    squares_R = norms_RP.square_().sum(-1).mul_(1 / size)
    return F.batch_norm(x_RD[None], torch.zeros_like(squares_R), squares_R, training=False, eps=eps)[0]
