"""Models as they lie on a GPU, but on the CPU."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from models.engine.kernels import Matrix, PlainMatrix
from models.engine.layers import Layer, Model


@pytest.fixture(scope="session")
def plain(loaded: Callable) -> Callable[[str], Model]:
    """The random model with a shape of ``SHAPES``, float32, its matrices not laid out for the CPU."""
    return lambda name: with_plain_matrices(loaded(name)[0])


def with_plain_matrices(model: Model) -> Model:
    """The same model; a matrix is what it makes of the identity, exactly."""
    shape = model.shape
    attended = shape.num_heads * shape.head_dim

    def read(matrix: Matrix, num_inputs: int) -> PlainMatrix:
        return PlainMatrix(matrix.product(matrix.read(torch.eye(num_inputs))).T.contiguous())

    def convert(layer: Layer) -> Layer:
        hidden = {name: read(getattr(layer, name), shape.hidden_size) for name in ("query", "key_value", "gate", "up")}
        return replace(
            layer,
            **hidden,
            output=read(layer.output, attended),
            down=read(layer.down, shape.intermediate_size),
        )

    return replace(model, layers=tuple(map(convert, model.layers)))
