"""Small pruning problems, drawn from a seed."""

from itertools import combinations

import numpy as np
from hypothesis import strategies as st

from models.training.pruning.fit import refit
from models.training.pruning.problem import Kept, Problem, make_problem


def drawn(seed: int, groups: int, outputs: int, *, group_size: int = 1, ridge: float = 1e-2) -> Problem:
    """Correlated inputs of different sizes, so that it matters which of them are kept."""
    rng, inputs = np.random.default_rng(seed), groups * group_size
    mixing = rng.standard_normal((inputs, inputs)) * rng.uniform(0.2, 2.0, size=inputs)
    read = rng.standard_normal((3 * inputs, inputs)) @ mixing
    return make_problem(read.T @ read, rng.standard_normal((inputs, outputs)), group_size, ridge)


def best_subset(problem: Problem, keep: int) -> tuple[Kept, float]:
    """By trying all of them: the groups, and their loss."""
    tried = [np.array(subset) for subset in combinations(range(problem.num_groups), keep)]
    losses = [problem.relative_loss(refit(problem, subset)) for subset in tried]
    return tried[int(np.argmin(losses))], min(losses)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Two to nine groups of one to three inputs, one to five outputs."""
    return drawn(
        draw(st.integers(0, 10_000)),
        groups=draw(st.integers(2, 9)),
        outputs=draw(st.integers(1, 5)),
        group_size=draw(st.integers(1, 3)),
    )


@st.composite
def problems_and_kept(draw: st.DrawFn) -> tuple[Problem, Kept]:
    """A problem, and at least one of its groups but not all."""
    problem = draw(problems())
    groups = st.integers(0, problem.num_groups - 1)
    kept = draw(st.sets(groups, min_size=1, max_size=problem.num_groups - 1))
    return problem, np.array(sorted(kept))
