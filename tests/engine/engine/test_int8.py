"""Int8 weights: exact where they claim to be, and what they do to the shipped ranker."""

from itertools import combinations
from pathlib import Path

import pytest
import torch

from models.bundle import RankerCanary, Role, load_bundle
from models.engine.checkpoint import open_bundle
from models.engine.errors import BundleError
from models.engine.int8 import Int8Matrix, has_int8, quantise_rows
from models.engine.jobs import Prompt
from models.engine.kernels import choose_matrix
from models.engine.layers import Model
from models.engine.scoring import Group, Prefix, encode_pass, label_logits
from models.engine.weights import load_model

RANKER = Path(__file__).parents[3] / "models" / "bundles" / "ranker-tiny"
MANIFEST = load_bundle(RANKER, Role.RANKER).manifest
CANARIES = [canary for canary in MANIFEST.canaries if isinstance(canary, RankerCanary)]
DRIFT = 0.01
"""Of a probability, twice what was seen over all pairs of the canaries' queries and items (0.0055, bfloat16 0.0016).
Int8 keeps a row's values within 1/254 of its largest, bfloat16 each value within 1/256 of itself."""

needs_int8 = pytest.mark.skipif(not has_int8(), reason="this processor or torch build has no int8 products")


def random_rows(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_quantised_rows_come_back_within_one_step(dtype: torch.dtype) -> None:
    """Claim: within half a scale, one where the scale was rounded to bfloat16; the largest value uses the range."""
    x = (random_rows(40, 96) * torch.logspace(-8, 8, 40)[:, None]).to(dtype)
    levels, scale = quantise_rows(x)
    assert levels.dtype == torch.int8
    assert levels.abs().amax(1).min() >= 126
    steps = (levels.float() * scale.float() - x.float()).abs() / scale.float()
    assert steps.max() <= (0.5 + 1e-4 if dtype == torch.float32 else 1.0)


def test_integers_and_zeros_are_exact() -> None:
    """Claim: what int8 can hold loses nothing, and a row of zeros stays zero."""
    x = torch.tensor([[127.0, -127, 1, 0], [0, 0, 0, 0], [254, 2, -2, 128]])
    levels, scale = quantise_rows(x)
    assert torch.equal(levels.float() * scale, x)


@needs_int8
@pytest.mark.parametrize("num_in", [48, 64, 144])
def test_products_of_quantised_numbers_are_exact(num_in: int) -> None:
    """Claim: sums are int32 sums, so rows and weights that int8 holds exactly give the exact product."""
    generator = torch.Generator().manual_seed(1)
    x, weight = (torch.randint(-127, 128, (rows, num_in), generator=generator).float() for rows in (19, 32))
    x[:, 0] = weight[:, 0] = 127
    x[0], weight[0], x[1] = 127, 127, -127
    matrix = Int8Matrix(weight)
    got, want = matrix.product(matrix.read(x)), x @ weight.T
    assert torch.equal(got, want)


@needs_int8
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_that_is_not_finite_stays_not_finite_and_alone(dtype: torch.dtype, value: float) -> None:
    """Claim: rounding to integers neither hides NaN nor lets it reach another row."""
    matrix, other = Int8Matrix(random_rows(32, 48, seed=1)), random_rows(7, 32, seed=2).to(dtype)
    x = random_rows(7, 48).to(dtype)
    x[3, 5] = value
    rows = matrix.read(x)
    for got in (matrix.product(rows), matrix.silu(rows), matrix.times(rows, other), matrix.plus(rows, other)):
        assert (~torch.isfinite(got)).any(1).nonzero().flatten().tolist() == [3]


@needs_int8
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_fused_forms_equal_the_product(dtype: torch.dtype) -> None:
    """Claim: silu, times and plus are what their names say of the product."""
    matrix, x = Int8Matrix(random_rows(32, 64, seed=1)), random_rows(9, 64).to(dtype)
    other = random_rows(9, 32, seed=2).to(dtype)
    rows = matrix.read(x)
    plain = matrix.product(rows).float()
    tolerance = {"atol": 1e-5, "rtol": 1e-5} if dtype == torch.float32 else {"atol": 0.1, "rtol": 0.02}
    torch.testing.assert_close(matrix.silu(rows).float(), torch.nn.functional.silu(plain), **tolerance)
    torch.testing.assert_close(matrix.times(rows, other).float(), plain * other.float(), **tolerance)
    torch.testing.assert_close(matrix.plus(rows, other).float(), plain + other.float(), **tolerance)


def pair_scores(model: Model) -> torch.Tensor:
    """[queries, items] of every canary's query with every canary's item."""
    items = [Prompt(canary.item_ids) for canary in CANARIES]
    groups = [Group(Prefix(Prompt(canary.query_ids)), items) for canary in CANARIES]
    logits = label_logits(model, encode_pass(model, groups), MANIFEST.label_token_ids)
    return logits.softmax(-1)[:, 0].view(len(CANARIES), len(items))


def kendall_tau(want: torch.Tensor, got: torch.Tensor, *, apart: float) -> float:
    """Over pairs of one query whose scores differ by more than ``apart``."""
    signs = [
        float(torch.sign((row_want[a] - row_want[b]) * (row_got[a] - row_got[b])))
        for row_want, row_got in zip(want, got, strict=True)
        for a, b in combinations(range(len(row_want)), 2)
        if abs(row_want[a] - row_want[b]) > apart
    ]
    assert len(signs) > 50
    return sum(signs) / len(signs)


@needs_int8
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_int8_keeps_the_shipped_rankers_order(dtype: torch.dtype) -> None:
    """Claim: scores drift by less than ``DRIFT``, and no two items further apart than twice that change places."""
    cpu, bundle = torch.device("cpu"), open_bundle(RANKER)
    exact = pair_scores(load_model(bundle, device=cpu, dtype=torch.float32))
    rounded = pair_scores(load_model(bundle, device=cpu, dtype=dtype, is_int8=True))
    drift = (exact - rounded).abs().max()
    assert exact.std() > 0.1
    assert drift <= DRIFT
    assert kendall_tau(exact, rounded, apart=2 * DRIFT) == 1.0


def test_int8_on_another_device_is_refused() -> None:
    """Claim: it is said before anything is loaded, not ignored."""
    with pytest.raises(BundleError, match="on the CPU only, not on cuda"):
        choose_matrix(torch.device("cuda"), torch.bfloat16, is_int8=True)
