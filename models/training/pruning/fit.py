r"""The best weight on a set of kept groups, kept up to date while groups are removed.

On a support S the minimum of f is W_S = H_SS^-1 G_S. Removing the groups J changes it by

    W    <- W    - Hinv[:, J] Hinv[J, J]^-1 W[J]
    Hinv <- Hinv - Hinv[:, J] Hinv[J, J]^-1 Hinv[J, :]        (Hinv = H_SS^-1, zero outside of S)

which costs p^2 |J| instead of p^3. Letters as in ``problem``.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.training.pruning.problem import Floats, Kept, Problem, columns_of

__all__ = ["Fit", "refit"]


def refit(problem: Problem, kept: Kept) -> Floats:
    """The minimum of f with the kept groups alone, computed afresh: [p, d], zero rows elsewhere."""
    columns, weight = columns_of(kept, problem.group_size), np.zeros_like(problem.weight)
    weight[columns] = np.linalg.solve(problem.hessian[np.ix_(columns, columns)], problem.target[columns])
    return weight


@dataclass(slots=True, eq=False)
class Fit:
    """The minimum of f on a support.

    Attributes:
        problem: What is minimised.
        is_kept: The support, bool [n].
        inverse: H_SS^-1 in the rows and columns of S, zero elsewhere, [p, p].
        weight: W, zero rows outside of S, [p, d].
    """

    problem: Problem
    is_kept: NDArray[np.bool_]
    inverse: Floats
    weight: Floats

    @classmethod
    def on(cls, problem: Problem, kept: Kept) -> Self:
        """The fit on these groups, by a fresh inverse."""
        is_kept, inverse = np.zeros(problem.num_groups, dtype=np.bool_), np.zeros_like(problem.hessian)
        is_kept[kept] = True
        columns = columns_of(kept, problem.group_size)
        inverse[np.ix_(columns, columns)] = np.linalg.inv(problem.hessian[np.ix_(columns, columns)])
        return cls(problem, is_kept, inverse, inverse @ problem.target)

    def copy(self) -> Self:
        """Another fit, which may be changed while this one stays."""
        return type(self)(self.problem, self.is_kept.copy(), self.inverse.copy(), self.weight.copy())

    @property
    def kept(self) -> Kept:
        """The support, ascending."""
        return np.flatnonzero(self.is_kept)

    @property
    def loss(self) -> float:
        """2 (f(W) - f(W0)) = tr(W0' H W0) - tr(W' G), of a minimum W on its support."""
        return self.problem.energy - float(np.sum(self.weight * self.problem.target))

    def removal_costs(self) -> Floats:
        """What f rises by when one group goes and the others are refitted: 1/2 tr(w_j' [Hinv]_jj^-1 w_j).

        Returns:
            [n]; infinite for groups that are removed already.
        """
        blocks = _diagonal_blocks(self.inverse, self.problem.group_size)
        blocks[~self.is_kept] = np.eye(self.problem.group_size)
        costs = _half_traces(blocks, self._by_group(self.weight))
        return np.where(self.is_kept, costs, np.inf)

    def remove(self, groups: Kept) -> None:
        """Take kept groups away and refit the others, by a rank update."""
        columns = columns_of(groups, self.problem.group_size)
        across = self.inverse[:, columns]
        share = np.linalg.solve(across[columns], np.concatenate([self.weight[columns], across.T], axis=1))
        outputs = self.weight.shape[1]
        self.weight -= across @ share[:, :outputs]
        self.inverse -= across @ share[:, outputs:]
        self.weight[columns] = 0.0  # as the formulas say, but for rounding
        self.inverse[columns] = 0.0
        self.inverse[:, columns] = 0.0
        self.is_kept[groups] = False

    def insertion_gains(self) -> Floats:
        """What f falls by when one group comes back and all are refitted.

        1/2 tr(R_j' C_j^-1 R_j) with the residual R_j = G_j - H_jS W_S and C_j = H_jj - H_jS H_SS^-1 H_Sj.

        Returns:
            [n]; minus infinity for groups that are kept.
        """
        problem, size = self.problem, self.problem.group_size
        outside = np.flatnonzero(~self.is_kept)
        gains = np.full(problem.num_groups, -np.inf)
        if not outside.size:
            return gains
        columns = columns_of(outside, size)
        across = problem.hessian[:, columns]  # [p, |outside| g]; rows outside of S meet zeros of the inverse
        explained = np.einsum("pjg,pjh->jgh", _split(across, size), _split(self.inverse @ across, size))
        own = _diagonal_blocks(problem.hessian, size)[outside]
        residual = problem.target[columns] - across.T @ self.weight
        gains[outside] = _half_traces(own - explained, residual.reshape(outside.size, size, -1))
        return gains

    def _by_group(self, matrix: Floats) -> Floats:
        """[p, d] to [n, g, d]."""
        return matrix.reshape(self.problem.num_groups, self.problem.group_size, -1)


def _diagonal_blocks(matrix: Floats, size: int) -> Floats:
    """[p, p] to a copy of its diagonal blocks, [n, g, g]."""
    groups = matrix.shape[0] // size
    at = np.arange(groups)
    return matrix.reshape(groups, size, groups, size)[at, :, at, :]


def _split(matrix: Floats, size: int) -> Floats:
    """[p, n g] to [p, n, g]."""
    return matrix.reshape(matrix.shape[0], -1, size)


def _half_traces(blocks: Floats, vectors: Floats) -> Floats:
    """1/2 tr(v' B^-1 v) of blocks [n, g, g] and vectors [n, g, d], to [n]."""
    halves: Floats = 0.5 * np.sum(vectors * np.linalg.solve(blocks, vectors), axis=(1, 2))
    return halves
