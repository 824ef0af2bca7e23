"""Layers for the GPU: matrices that read the same rows lie together, so that one product serves them.

Shape suffixes: E hidden size, H query heads, K key-value heads, D head size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from models.engine.kernels import PlainMatrix

if TYPE_CHECKING:
    from models.engine.layers import Layer, Model


class JoinedLayer(NamedTuple):
    """One layer as bare tensors, which a compiled function takes. Norm weights are folded in as in ``Layer``."""

    query_key_value: torch.Tensor
    """[(H + 2 K) D, E]."""
    query_norm_D: torch.Tensor | None
    key_norm_D: torch.Tensor | None
    output: torch.Tensor
    """[E, H D]."""
    gate_up: torch.Tensor
    """[2 inner, E]."""
    down: torch.Tensor
    """[E, inner]."""


def join_layers(model: Model) -> tuple[Model, tuple[JoinedLayer, ...]]:
    """The joined layers, and the model whose matrices are views of them: what was apart before can be freed."""
    joined = tuple(_join(layer) for layer in model.layers)
    layers = tuple(_views(layer, one) for layer, one in zip(model.layers, joined, strict=True))
    return replace(model, layers=layers), joined


def _join(layer: Layer) -> JoinedLayer:
    return JoinedLayer(
        torch.cat([_weight(layer.query), _weight(layer.key_value)]),
        layer.query_norm_D,
        layer.key_norm_D,
        _weight(layer.output),
        torch.cat([_weight(layer.gate), _weight(layer.up)]),
        _weight(layer.down),
    )


def _views(layer: Layer, joined: JoinedLayer) -> Layer:
    num_query = _weight(layer.query).shape[0]
    gate, up = joined.gate_up.chunk(2)
    return replace(
        layer,
        query=PlainMatrix(joined.query_key_value[:num_query]),
        key_value=PlainMatrix(joined.query_key_value[num_query:]),
        gate=PlainMatrix(gate),
        up=PlainMatrix(up),
    )


def _weight(matrix: object) -> torch.Tensor:
    assert isinstance(matrix, PlainMatrix), "on a GPU kernels.choose_matrix lays out nothing else"
    return matrix.weight_OI
