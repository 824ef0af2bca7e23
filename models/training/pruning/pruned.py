"""Pruning a model in memory: what ``plan``, ``apply`` and ``compare`` share."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.training.architecture import CausalModel, count_parameters
from models.training.batches import Batch
from models.training.pruning.methods import METHODS, MethodName
from models.training.pruning.osscar import SearchConfig
from models.training.pruning.plan import LayerPlan, Plan, PlanShape, kept_count
from models.training.pruning.problem import RIDGE, Kept, Problem
from models.training.pruning.surgery import drop_layers
from models.training.pruning.walk import Outcome, Part, prune_layers
from schemas.errors import ConfigurationError

__all__ = ["Settings", "Target", "follow_plan", "last_layers", "prune", "shape_of"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How finely and how exactly to prune."""

    granularity: int = 8
    """Neurons are kept in multiples of it; of 8 tensor cores need, 64 or more are faster at full size."""
    seed: int = 7
    """Of the random methods."""
    ridge: float = RIDGE
    """As in ``make_problem``."""
    search: SearchConfig = field(default_factory=SearchConfig)
    """Of OSSCAR."""


@dataclass(frozen=True, slots=True)
class Target:
    """How much to keep, and how to choose it."""

    method: MethodName = MethodName.OSSCAR
    mlp_keep: float = 1.0
    """Share of the MLP neurons of every layer; 1 keeps all."""
    kv_heads_keep: float = 1.0
    """Share of the key-value heads of every layer; 1 keeps all."""
    dropped_layers: tuple[int, ...] = ()
    settings: Settings = field(default_factory=Settings)


def last_layers(number: int, layers: int) -> tuple[int, ...]:
    """The last so many of a model's layers: late ones matter least (Table 2 of the paper).

    Raises:
        ConfigurationError: No layer would be left.
    """
    if not 0 <= number < layers:
        raise ConfigurationError(f"{number} of {layers} layers cannot be dropped: give 0 to {layers - 1}")
    return tuple(range(layers - number, layers))


def shape_of(model: CausalModel) -> PlanShape:
    """Its sizes."""
    config = model.config
    return PlanShape(
        layers=config.num_hidden_layers,
        neurons=config.intermediate_size,
        kv_heads=config.num_key_value_heads,
        parameters=count_parameters(model),
    )


def prune(model: CausalModel, target: Target, batches: Sequence[Batch]) -> tuple[LayerPlan, ...]:
    """Choose and take out, in place.

    Args:
        model: Changed.
        target: How much, and how.
        batches: Calibration prompts.

    Returns:
        What was kept of each layer that is left.

    Raises:
        ConfigurationError: The target asks for nothing, or for what this model does not have.
    """
    before, settings = shape_of(model), target.settings
    keep = {
        Part.KV_HEADS: kept_count(target.kv_heads_keep, before.kv_heads, 1, "key-value heads"),
        Part.NEURONS: kept_count(target.mlp_keep, before.neurons, settings.granularity, "neurons"),
    }
    parts = [part for part, whole in zip(keep, (before.kv_heads, before.neurons), strict=True) if keep[part] < whole]
    if not parts and not target.dropped_layers:
        raise ConfigurationError("nothing would be pruned: give --mlp-keep, --kv-heads-keep or layers to drop")
    method, rng = METHODS[target.method], np.random.default_rng(settings.seed)

    def choose(_: int, part: Part, problem: Problem) -> Kept:
        return method.choose(problem, keep[part], settings.search, rng)

    return _prune(model, target.dropped_layers, batches, parts, choose, target.method, settings.ridge)


def follow_plan(model: CausalModel, plan: Plan, batches: Sequence[Batch]) -> tuple[LayerPlan, ...]:
    """Take out what the plan says, in place, and refit the rest where its method does.

    Args:
        model: As the plan's ``before`` says; changed.
        plan: Checked.
        batches: The calibration prompts of the plan.

    Returns:
        The plan's layers, with the losses found.
    """
    kept = {
        Part.KV_HEADS: [entry.kept_kv_heads for entry in plan.layers],
        Part.NEURONS: [entry.kept_neurons for entry in plan.layers],
    }
    parts = [part for part, layers in kept.items() if any(indices is not None for indices in layers)]

    def choose(place: int, part: Part, problem: Problem) -> Kept:
        indices = kept[part][place]
        return np.arange(problem.num_groups) if indices is None else np.array(indices)

    return _prune(model, plan.dropped_layers, batches, parts, choose, plan.method, plan.ridge)


def _prune(
    model: CausalModel,
    dropped: Collection[int],
    batches: Sequence[Batch],
    parts: Sequence[Part],
    choose: Callable[[int, Part, Problem], Kept],
    method: MethodName,
    ridge: float,
) -> tuple[LayerPlan, ...]:
    layers = range(model.config.num_hidden_layers)
    if unknown := sorted(set(dropped) - set(layers)):
        raise ConfigurationError(f"layers {unknown} cannot be dropped: this model has 0 to {len(layers) - 1}")
    left = [index for index in layers if index not in dropped]
    if not left:
        raise ConfigurationError(f"all {len(layers)} layers would be dropped: at least one must stay")
    drop_layers(model, dropped)
    outcomes = (
        prune_layers(model, batches, parts, choose, is_refitted=METHODS[method].is_refitted, ridge=ridge)
        if parts
        else []
    )
    return tuple(_layer_plan(index, [out for out in outcomes if out.layer == at]) for at, index in enumerate(left))


def _layer_plan(index: int, outcomes: Sequence[Outcome]) -> LayerPlan:
    fields: dict[str, object] = {}
    for outcome in outcomes:
        fields[f"kept_{outcome.part.value}"] = tuple(outcome.kept.tolist())
        fields[f"{outcome.part.value}_loss"] = outcome.loss
    return LayerPlan(layer=index, **fields)
