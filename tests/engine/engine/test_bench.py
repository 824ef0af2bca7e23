"""The measuring functions, on a shape small enough to measure anywhere. What they measure is not judged here."""

import json

import pytest
import torch

from models.engine.backend import plain_backend
from models.engine.bench import QWEN3_06B, main, matmul_gflops, measure, random_model
from models.engine.cell import Cell
from models.engine.int8 import has_int8
from models.engine.shape import parse_shape
from tests.engine.engine.checkpoints import save_random
from tests.engine.engine.conftest import SHAPES

SMALL = parse_shape(
    QWEN3_06B | {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "vocab_size": 100},
    {},
    source="here",
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_figures_belong_together(dtype: torch.dtype) -> None:
    """Claim: items a second, operations and share are of one measurement, in the type that was asked for."""
    cell = Cell(num_items=3, query_tokens=5, item_tokens=7)
    found = measure(plain_backend(random_model(SMALL, dtype)), cell, repeats=3)
    assert f"torch.{found['dtype']}" == str(dtype)
    assert len(found["runs_items_per_s"]) == 3
    operations_per_item = 2 * SMALL.matrix_parameters * (5 + 3 * 7) / 3
    assert found["gflops"] == pytest.approx(found["items_per_s"] * operations_per_item / 1e9, abs=1)
    assert matmul_gflops(SMALL, dtype, 16, repeats=2) > 0


def test_the_shape_has_the_parameters_of_qwen3_06b() -> None:
    """Claim: what is measured is the model that the name says: 596 million weights, 440 million in the layers."""
    shape = parse_shape(QWEN3_06B, {}, source="here")
    assert shape.num_parameters == 596_049_920
    assert shape.matrix_parameters == 440_401_920


def test_the_command_prints_one_line_for_a_bundle(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    """Claim: a bundle on disk is measured as it is, int8 where it runs."""
    bundle = save_random(tmp_path / "bundle", SHAPES["gqa2"])
    weights = "int8" if has_int8() else "as_dtype"
    options = [
        "--bundle",
        str(bundle),
        "--num-items",
        "2",
        "--query-tokens",
        "4",
        "--item-tokens",
        "3",
        "--threads",
        "1",
    ]
    assert main([*options, "--weights", weights]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["weights"], found["num_items"], found["threads"]) == (weights, 2, 1)
    assert found["items_per_s"] > 0
