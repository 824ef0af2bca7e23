"""Taking parts out of a Qwen3 or Llama of transformers so that a smaller stock model of its kind remains.

Engines know one width for all layers, so every layer loses as much. Attention loses whole key-value heads, each with
all query heads that read it: the ratio of the two stays, keys and values shrink with the rest, and a choice in one
group leaves the others alone. Equal numbers of query heads out of every group would keep the whole cache.
"""

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import nn

from models.training.architecture import CausalModel
from models.training.pruning.problem import Floats, Kept, columns_of

__all__ = ["drop_layers", "fit_config", "keep_kv_heads", "keep_neurons"]


def keep_neurons(mlp: nn.Module, kept: Kept, weight: Floats) -> None:
    """Leave the MLP these neurons.

    Args:
        mlp: Of a layer; changed.
        kept: Neurons, ascending.
        weight: The new down projection, [neurons before, hidden]; rows of removed neurons are not read.
    """
    for projection in (mlp.gate_proj, mlp.up_proj):
        _keep_rows(projection, kept)
    _replace(mlp.down_proj, _like(mlp.down_proj, weight[kept].T))
    mlp.intermediate_size = kept.size


def keep_kv_heads(attention: nn.Module, kept: Kept, weight: Floats) -> None:
    """Leave the attention these key-value heads, and the query heads that read them.

    Args:
        attention: Of a layer; changed.
        kept: Key-value heads, ascending.
        weight: The new output projection, [query heads before x head size, hidden].
    """
    query_rows = columns_of(kept, attention.num_key_value_groups * attention.head_dim)
    _keep_rows(attention.q_proj, query_rows)
    for projection in (attention.k_proj, attention.v_proj):
        _keep_rows(projection, columns_of(kept, attention.head_dim))
    _replace(attention.o_proj, _like(attention.o_proj, weight[query_rows].T))


def drop_layers(model: CausalModel, dropped: Collection[int]) -> None:
    """Take whole layers out; those behind them move up.

    Args:
        model: Changed.
        dropped: Indices of layers; at least one layer must remain.
    """
    config, layers = model.config, model.model.layers
    left = [index for index in range(len(layers)) if index not in dropped]
    model.model.layers = nn.ModuleList([layers[index] for index in left])
    for place, layer in enumerate(model.model.layers):
        layer.self_attn.layer_idx = place  # where its keys lie in a cache
    if (types := getattr(config, "layer_types", None)) is not None:  # a Llama has one kind and does not list it
        config.layer_types = [types[index] for index in left]
    config.num_hidden_layers = len(left)


def fit_config(model: CausalModel) -> None:
    """Write the widths that the layers have now into the config.

    Raises:
        ValueError: Layers differ in width.
    """
    layers, config = model.model.layers, model.config
    neurons = {layer.mlp.down_proj.in_features for layer in layers}
    kv_heads = {layer.self_attn.k_proj.out_features // config.head_dim for layer in layers}
    if len(neurons) != 1 or len(kv_heads) != 1:
        raise ValueError(f"layers with {sorted(neurons)} neurons and {sorted(kv_heads)} key-value heads")
    ratio = config.num_attention_heads // config.num_key_value_heads
    (config.intermediate_size,), (config.num_key_value_heads,) = neurons, kv_heads
    config.num_attention_heads = ratio * config.num_key_value_heads


def _keep_rows(projection: nn.Linear, rows: Sequence[int] | np.ndarray) -> None:
    _replace(projection, projection.weight.data[torch.as_tensor(rows, device=projection.weight.device)])


def _like(projection: nn.Linear, weight: Floats) -> torch.Tensor:
    return torch.as_tensor(weight).to(projection.weight)


def _replace(projection: nn.Linear, weight: torch.Tensor) -> None:
    projection.weight = nn.Parameter(weight.contiguous().clone())
    projection.out_features, projection.in_features = weight.shape
