"""Random checkpoints shared by the engine's tests. They need torch and run with the engine environment's Python."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, PreTrainedModel

from models.engine.checkpoint import open_bundle
from models.engine.layers import Model
from models.engine.weights import load_model
from tests.engine.engine.checkpoints import Shape, load_reference, save_random

SHAPES = {
    "gqa2": Shape(),
    "gqa3": Shape(num_heads=6, num_kv_heads=2, head_dim=8),
    "mqa_untied": Shape(num_heads=4, num_kv_heads=1, is_head_tied=False),
    "mha_one_layer": Shape(num_heads=2, num_kv_heads=2, head_dim=24, num_layers=1),
    "llama": Shape(num_heads=6, num_kv_heads=2, head_dim=8, architecture=LlamaConfig, rope_theta=100_000.0),
    "llama_untied": Shape(num_heads=2, num_kv_heads=1, is_head_tied=False, architecture=LlamaConfig),
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The machine is shared, and the sizes are tiny."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Directory of the random checkpoint with a shape of ``SHAPES``; made once."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = save_random(tmp_path_factory.mktemp("checkpoint") / name, SHAPES[name], seed=len(name))
        return made[name]

    return get


@pytest.fixture(scope="session")
def loaded(checkpoint: Callable[[str], Path]) -> Callable[[str], tuple[Model, PreTrainedModel]]:
    """The same weights in the engine and in transformers, float32."""
    made: dict[str, tuple[Model, PreTrainedModel]] = {}

    def get(name: str) -> tuple[Model, PreTrainedModel]:
        if name not in made:
            path = checkpoint(name)
            made[name] = load_cpu(path), load_reference(path)
        return made[name]

    return get


def load_cpu(path: Path, dtype: torch.dtype = torch.float32) -> Model:
    """A checkpoint in the engine, on the CPU."""
    return load_model(open_bundle(path), device=torch.device("cpu"), dtype=dtype)
