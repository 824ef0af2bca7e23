"""The pruning methods by name: how each chooses, and whether what is kept is refitted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.training.pruning.criteria import by_activation, by_chance, by_magnitude
from models.training.pruning.fit import refit
from models.training.pruning.osscar import SearchConfig, remove_greedily, swap_locally
from models.training.pruning.problem import Floats, Kept, Problem, columns_of

__all__ = ["METHODS", "Choose", "Method", "MethodName", "weight_on"]


class MethodName(StrEnum):
    """What `precis prune --method` takes."""

    OSSCAR = "osscar"
    OSSCAR_GREEDY = "osscar-greedy"
    ACTIVATION_REFIT = "activation-refit"
    ACTIVATION = "activation"
    MAGNITUDE_REFIT = "magnitude-refit"
    MAGNITUDE = "magnitude"
    RANDOM_REFIT = "random-refit"
    RANDOM = "random"


Choose = Callable[[Problem, int, SearchConfig, np.random.Generator], Kept]
"""So many groups of the problem to keep; what a method does not need it leaves alone."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to prune a layer."""

    choose: Choose
    is_refitted: bool
    """Whether kept weights change to make up for what was removed."""


def _osscar(problem: Problem, keep: int, search: SearchConfig, _: np.random.Generator) -> Kept:
    return swap_locally(problem, remove_greedily(problem, keep, search.block), search)


def _osscar_greedy(problem: Problem, keep: int, search: SearchConfig, _: np.random.Generator) -> Kept:
    return remove_greedily(problem, keep, search.block)


def _magnitude(problem: Problem, keep: int, _: SearchConfig, __: np.random.Generator) -> Kept:
    return by_magnitude(problem, keep)


def _activation(problem: Problem, keep: int, _: SearchConfig, __: np.random.Generator) -> Kept:
    return by_activation(problem, keep)


def _random(problem: Problem, keep: int, _: SearchConfig, rng: np.random.Generator) -> Kept:
    return by_chance(problem, keep, rng)


METHODS: Mapping[MethodName, Method] = {
    MethodName.OSSCAR: Method(_osscar, is_refitted=True),
    MethodName.OSSCAR_GREEDY: Method(_osscar_greedy, is_refitted=True),
    MethodName.ACTIVATION_REFIT: Method(_activation, is_refitted=True),
    MethodName.ACTIVATION: Method(_activation, is_refitted=False),
    MethodName.MAGNITUDE_REFIT: Method(_magnitude, is_refitted=True),
    MethodName.MAGNITUDE: Method(_magnitude, is_refitted=False),
    MethodName.RANDOM_REFIT: Method(_random, is_refitted=True),
    MethodName.RANDOM: Method(_random, is_refitted=False),
}
"""OSSCAR without its refit is no method: its choice holds for refitted weights only."""


def weight_on(problem: Problem, kept: Kept, *, is_refitted: bool) -> Floats:
    """The layer's weight with the kept groups alone: refitted, or as it was. [p, d], zero rows elsewhere."""
    if is_refitted:
        return refit(problem, kept)
    weight, columns = np.zeros_like(problem.weight), columns_of(kept, problem.group_size)
    weight[columns] = problem.weight[columns]
    return weight
