"""Pruning a model layer by layer: each layer reads what the already pruned layers before it give.

Shapes: B prompts of a batch, T tokens, D hidden size, p inputs of the projection that is refitted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from torch import nn

from models.training.architecture import CausalModel
from models.training.batches import Batch
from models.training.pruning.methods import weight_on
from models.training.pruning.problem import RIDGE, Floats, Kept, Problem, make_problem
from models.training.pruning.surgery import fit_config, keep_kv_heads, keep_neurons
from schemas.errors import ConfigurationError

__all__ = ["Outcome", "Part", "prune_layers"]


class Part(StrEnum):
    """What is pruned of a layer."""

    KV_HEADS = "kv_heads"
    NEURONS = "neurons"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One part of one layer after pruning.

    Attributes:
        layer: Place of the layer in the model that was walked.
        part: What of it.
        kept: Its groups that are left.
        loss: Part of the projection's outputs that is lost on the calibration prompts, ``Problem.relative_loss``.
    """

    layer: int
    part: Part
    kept: Kept
    loss: float


Choose = Callable[[int, Part, Problem], Kept]
"""Which groups of a layer's part to keep; called once each, in the order in which the model computes."""


@torch.no_grad()  # not inference mode: what is kept may be trained afterwards
def prune_layers(
    model: CausalModel,
    batches: Sequence[Batch],
    parts: Sequence[Part],
    choose: Choose,
    *,
    is_refitted: bool,
    ridge: float = RIDGE,
) -> list[Outcome]:
    """Prune every layer in place, and the config with them.

    Args:
        model: In evaluation mode; changed. The hidden states of all prompts are held in memory.
        batches: Calibration prompts, at least one.
        parts: What is pruned, in the order of :class:`Part`.
        choose: Which groups stay.
        is_refitted: Whether the projection is refitted to make up for what is removed.
        ridge: As in ``make_problem``.

    Returns:
        One entry for each part of each layer, in order.

    Raises:
        ConfigurationError: A layer's inputs are all zero, or not numbers.
    """
    outcomes, states = [], _States(model, batches)
    for index, layer in enumerate(model.model.layers):
        for part in parts:
            projection, size, keep = _PARTS[part](layer)
            gram = states.gram_of(layer, projection)
            weight = projection.weight.detach().double().cpu().numpy().T
            try:
                problem = make_problem(gram, weight, size, ridge)
            except ValueError as error:
                raise ConfigurationError(
                    f"layer {index}, {part}: {error}; is this bundle trained and whole?"
                ) from error
            kept = choose(index, part, problem)
            pruned = weight_on(problem, kept, is_refitted=is_refitted)
            keep(kept, pruned)
            outcomes.append(Outcome(index, part, kept, problem.relative_loss(pruned)))
        states.advance(layer)
    fit_config(model)
    return outcomes


_Keep = Callable[[Kept, Floats], None]


def _neurons_of(layer: nn.Module) -> tuple[nn.Linear, int, _Keep]:
    return layer.mlp.down_proj, 1, lambda kept, weight: keep_neurons(layer.mlp, kept, weight)


def _kv_heads_of(layer: nn.Module) -> tuple[nn.Linear, int, _Keep]:
    attention = layer.self_attn
    size = attention.num_key_value_groups * attention.head_dim
    return attention.o_proj, size, lambda kept, weight: keep_kv_heads(attention, kept, weight)


_PARTS: dict[Part, Callable[[nn.Module], tuple[nn.Linear, int, _Keep]]] = {
    Part.KV_HEADS: _kv_heads_of,
    Part.NEURONS: _neurons_of,
}
"""The projection that is refitted, the size of its groups, and what keeps some of them."""


class _Arrived(Exception):
    """The inputs of the first layer are known."""


class _States:
    """The hidden states of all calibration prompts before one layer, [B, T, D] a batch."""

    def __init__(self, model: CausalModel, batches: Sequence[Batch]) -> None:
        self._hidden: list[torch.Tensor] = []
        self._others: list[dict[str, Any]] = []  # positions and mask, the same for every layer
        device = model.get_input_embeddings().weight.device
        self._is_real = [  # [B, T]: padding is no input
            (torch.arange(batch.ids.shape[1]) <= batch.last[:, None]).to(device) for batch in batches
        ]
        hook = model.model.layers[0].register_forward_pre_hook(self._catch, with_kwargs=True)
        try:
            for batch in batches:
                try:
                    model.model(input_ids=batch.ids.to(device), use_cache=False)
                except _Arrived:
                    continue
        finally:
            hook.remove()

    def _catch(self, _: nn.Module, arguments: tuple[torch.Tensor, ...], others: dict[str, Any]) -> None:
        self._hidden.append(arguments[0])
        self._others.append(others)
        raise _Arrived

    def gram_of(self, layer: nn.Module, projection: nn.Linear) -> Floats:
        """X'X of what the projection reads in this layer, over all real tokens, [p, p]."""
        size = projection.in_features
        gram = torch.zeros((size, size), dtype=torch.float64, device=projection.weight.device)
        real = iter(self._is_real)

        def add(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            read = arguments[0][next(real)].double()  # [tokens, p]
            gram.addmm_(read.T, read)

        hook = projection.register_forward_pre_hook(add)
        try:
            for hidden, others in zip(self._hidden, self._others, strict=True):
                layer(hidden, **others)
        finally:
            hook.remove()
        return np.asarray(gram.cpu().numpy())

    def advance(self, layer: nn.Module) -> None:
        """Put the states behind the layer, as it is now."""
        for place, others in enumerate(self._others):
            self._hidden[place] = layer(self._hidden[place], **others)
