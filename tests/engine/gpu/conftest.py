"""The shipped models on the GPU and, as the reference, on the CPU in float32."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from models.engine.backend import Backend, choose_backend
from models.engine.checkpoint import open_bundle
from models.engine.layers import Model
from models.engine.weights import load_model

BUNDLES = Path(__file__).parents[3] / "models" / "bundles"
MAX_ROWS = 2048


@cache
def on_cpu(bundle: str) -> Model:
    """The reference."""
    return load_model(open_bundle(BUNDLES / bundle), device=torch.device("cpu"), dtype=torch.float32)


def on_gpu(bundle: str, dtype: torch.dtype) -> Model:
    """Not compiled yet."""
    return load_model(open_bundle(BUNDLES / bundle), device=torch.device("cuda"), dtype=dtype)


@pytest.fixture(scope="session")
def opened() -> Callable[[str, torch.dtype], Backend]:
    """A bundle compiled and recorded for a type; made once."""

    @cache
    def get(bundle: str, dtype: torch.dtype) -> Backend:
        backend = choose_backend(on_gpu(bundle, dtype), max_rows=MAX_ROWS)
        assert backend.kernels == "graphs", "the log says why the plain functions were chosen"
        return backend

    return get
