"""OSSCAR (arXiv 2403.12983): greedy removal in blocks, then a local search that swaps groups."""

from dataclasses import dataclass

import numpy as np

from models.training.pruning.fit import Fit
from models.training.pruning.problem import Kept, Problem

__all__ = ["SearchConfig", "remove_greedily", "swap_locally"]

_LEAST_FALL = 1e-12
"""Of the energy: a smaller fall of the objective is rounding, and would make the search wander."""


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How finely OSSCAR looks."""

    block: int = 16
    """Groups that go at a time. One is the finest; a block of 16 costs about a sixteenth."""
    rounds: int = 30
    """Most rounds of the local search; 0 leaves it out."""


def remove_greedily(problem: Problem, keep: int, block: int) -> Kept:
    """Remove the cheapest groups, ``block`` at a time, each time with all others refitted, until ``keep`` are left.

    Args:
        problem: Of the layer.
        keep: Groups to keep, from 1 to all.
        block: Groups that go at a time; the last block may be smaller.

    Returns:
        What is left.
    """
    fit = Fit.on(problem, np.arange(problem.num_groups))
    left = problem.num_groups
    while left > keep:
        size = min(block, left - keep)
        fit.remove(_first(fit.removal_costs(), size))
        left -= size
    return fit.kept


def swap_locally(problem: Problem, kept: Kept, config: SearchConfig) -> Kept:
    """Swap groups while the objective falls; it never rises.

    1. Drop the t cheapest groups of the support.
    2. Insert the t groups that gain most, the dropped ones among the candidates.
    3. Refit exactly. Where the objective fell keep the swap, else halve t; below 1, or after all rounds, stop.
    """
    best = Fit.on(problem, kept)
    swapped = min(config.block, kept.size, problem.num_groups - kept.size)
    for _ in range(config.rounds):
        if swapped == 0:
            break
        trial = best.copy()
        trial.remove(_first(trial.removal_costs(), swapped))  # 1
        inserted = _first(-trial.insertion_gains(), swapped)  # 2
        trial = Fit.on(problem, np.union1d(trial.kept, inserted))  # 3
        if trial.loss < best.loss - _LEAST_FALL * problem.energy:
            best = trial
        else:
            swapped //= 2
    return best.kept


def _first(values: np.ndarray, count: int) -> Kept:
    """Indices of the smallest values; the earlier of equals."""
    return np.sort(np.argsort(values, kind="stable")[:count])
