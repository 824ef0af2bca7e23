"""What OSSCAR is compared with: groups ranked once, by a score that looks at each alone, or by chance."""

import numpy as np

from models.training.pruning.problem import Floats, Kept, Problem

__all__ = ["by_activation", "by_chance", "by_magnitude"]


def by_magnitude(problem: Problem, keep: int) -> Kept:
    """Keep the groups with the largest weights: ||W_j||."""
    return _largest(problem, np.sum(problem.weight**2, axis=1), keep)


def by_activation(problem: Problem, keep: int) -> Kept:
    """Keep the groups with the largest products of input and weight: ||x_j|| ||W_j|| (Wanda, arXiv 2306.11695)."""
    return _largest(problem, np.diag(problem.hessian) * np.sum(problem.weight**2, axis=1), keep)


def by_chance(problem: Problem, keep: int, rng: np.random.Generator) -> Kept:
    """Keep any groups."""
    return np.sort(rng.permutation(problem.num_groups)[:keep])


def _largest(problem: Problem, squares: Floats, keep: int) -> Kept:
    """Groups with the largest sums of squares [p]; the earlier of equals."""
    sums = squares.reshape(problem.num_groups, -1).sum(axis=1)
    return np.sort(np.argsort(-sums, kind="stable")[:keep])
