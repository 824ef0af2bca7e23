"""Matrix products and norms: what they compute, and that rows do not reach each other."""

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import rms_norm, silu

from models.engine.kernels import Matrix, OnednnMatrix, PlainMatrix, choose_head, normalise, whole_rows

KINDS = (PlainMatrix, OnednnMatrix, choose_head)
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""Relative to the largest value: float32 sums in another order; bfloat16 rounds each answer to 8 bits, some twice."""


def random_rows(*size: int, dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)).to(dtype)


def results(matrix: Matrix, x: torch.Tensor, other: torch.Tensor) -> dict[str, torch.Tensor]:
    rows = matrix.read(x)
    return {
        "product": matrix.product(rows),
        "silu": matrix.silu(rows),
        "times": matrix.times(rows, other),
        "plus": matrix.plus(rows, other),
    }


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("size", [(1, 48, 16), (19, 144, 48), (70, 64, 96), (1030, 48, 16)])
def test_products_equal_the_formula(make: Callable, size: tuple[int, int, int], dtype: torch.dtype) -> None:
    """Claim: each product with what is fused behind it is the formula's in float32, up to the type's rounding."""
    num_rows, num_in, num_out = size
    x, weight = random_rows(num_rows, num_in, dtype=dtype), random_rows(num_out, num_in, dtype=dtype, seed=1)
    other = random_rows(num_rows, num_out, dtype=dtype, seed=2)
    want = x.float() @ weight.float().T
    wants = {"product": want, "silu": silu(want), "times": want * other.float(), "plus": want + other.float()}
    kept = other.clone()
    for name, got in results(make(weight), x, other).items():
        assert (got.float() - wants[name]).abs().max() <= TOLERANCE[dtype] * wants[name].abs().max(), name
    assert torch.equal(other, kept), "the addend or factor belongs to the caller"


def test_few_numbers_of_rows_are_computed() -> None:
    """Claim: each kernel is written for one of 100 numbers up to 2,304, never for fewer rows, or many more, than asked.

    A kernel takes a millisecond to write, seven a layer; oneDNN keeps 1,024 of them.
    """
    numbers = range(1, 2305)
    chosen = [whole_rows(number) for number in numbers]
    assert len(set(chosen)) == 100
    assert all(number <= rows <= number * 9 / 8 for number, rows in zip(numbers, chosen, strict=True))
    assert list(map(whole_rows, chosen)) == chosen


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("num_in", [48, 64, 144])
@pytest.mark.parametrize("num_rows", [2, 19, 70])
def test_a_row_that_is_not_finite_stays_alone(num_rows: int, num_in: int, dtype: torch.dtype, value: float) -> None:
    """Claim: NaN or infinity in one row reaches no other row, also where the inputs do not fill a tile."""
    matrix = OnednnMatrix(random_rows(48, num_in, dtype=dtype, seed=1))
    other = random_rows(num_rows, 48, dtype=dtype, seed=2)
    for broken in (0, num_rows - 1):
        x = random_rows(num_rows, num_in, dtype=dtype)
        x[broken] = value
        for name, got in {**results(matrix, x, other), "normalise": normalise(x, 1e-6)}.items():
            not_finite = (~torch.isfinite(got)).any(1).nonzero().flatten().tolist()
            assert set(not_finite) <= {broken}, name


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("size", [16, 48, 1001])
def test_the_norm_equals_rms_norm(size: int, dtype: torch.dtype) -> None:
    """Claim: rows of any scale are normalised as torch's own function does, zeros included."""
    x = random_rows(7, size, dtype=dtype) * torch.tensor([0, 1e-4, 1e-2, 1, 10, 1e3, 1e5], dtype=dtype)[:, None]
    want = rms_norm(x.float(), (size,), None, 1e-6)
    torch.testing.assert_close(normalise(x, 1e-6).float(), want, atol=0, rtol=TOLERANCE[dtype])
