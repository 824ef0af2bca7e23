r"""One layer's pruning problem (OSSCAR, arXiv 2403.12983, section 3).

A linear map reads p inputs and writes d outputs. With calibration inputs X [tokens, p] and its weight W0 [p, d], the
pruned weight W shall give the same outputs from the inputs that are kept:

    minimise  f(W) = 1/2 tr(W' H W) - tr(W' G)   over W with rows outside of S at zero,
    H = X'X + ridge * mean(diag X'X) * I,  G = H W0.

Inputs are kept or removed in groups of neighbours: one MLP neuron, or all columns that one key-value head feeds.

Letters: p inputs, d outputs, n groups of g inputs (p = n g), S the kept groups.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RIDGE", "Floats", "Kept", "Problem", "columns_of", "make_problem"]

Floats = NDArray[np.float64]
Kept = NDArray[np.int64]
"""Kept groups, ascending."""

RIDGE = 1e-2
"""Of the mean diagonal, as in the paper's experiments: it keeps H well conditioned where inputs hardly vary."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What choosing and refitting need to know of a layer.

    Attributes:
        hessian: H, [p, p], positive definite.
        target: G = H W0, [p, d].
        weight: W0, [p, d].
        group_size: g; divides p.
    """

    hessian: Floats
    target: Floats
    weight: Floats
    group_size: int

    @property
    def num_groups(self) -> int:
        """Number n of groups."""
        return self.weight.shape[0] // self.group_size

    @property
    def energy(self) -> float:
        """tr(W0' H W0): what the outputs amount to, and what removing everything would cost."""
        return float(np.sum(self.weight * self.target))

    def relative_loss(self, weight: Floats) -> float:
        """2 (f(W) - f(W0)) over the energy: the part of the outputs that is lost, from 0 to 1 where W is refitted."""
        change = weight - self.weight
        return float(np.sum(change * (self.hessian @ change))) / max(self.energy, np.finfo(np.float64).tiny)


def make_problem(gram: Floats, weight: Floats, group_size: int = 1, ridge: float = RIDGE) -> Problem:
    """The problem of a layer.

    Args:
        gram: X'X of the calibration inputs, [p, p].
        weight: W0, [p, d]: the transpose of what ``nn.Linear`` stores.
        group_size: Neighbouring inputs that go together.
        ridge: Added to the diagonal, as a part of its mean.

    Raises:
        ValueError: Shapes do not fit each other, or nothing was ever read.
    """
    inputs = weight.shape[0]
    if gram.shape != (inputs, inputs) or inputs % group_size:
        raise ValueError(f"gram {gram.shape}, weight {weight.shape}, groups of {group_size}: these do not fit")
    mean = float(np.trace(gram)) / inputs
    if not mean > 0:
        raise ValueError(f"the mean squared input is {mean}: the calibration inputs are all zero, or not numbers")
    hessian = gram + ridge * mean * np.eye(inputs)
    return Problem(hessian, hessian @ weight, weight, group_size)


def columns_of(groups: Kept, group_size: int) -> NDArray[np.int64]:
    """Inputs that belong to the groups, in their order."""
    return (groups[:, None] * group_size + np.arange(group_size)).ravel()
