import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.pruning.criteria import by_activation, by_magnitude
from models.training.pruning.fit import refit
from models.training.pruning.methods import METHODS, MethodName, weight_on
from models.training.pruning.osscar import SearchConfig, remove_greedily, swap_locally
from models.training.pruning.problem import Kept, Problem, make_problem
from tests.unit.models.training.pruning.problems import best_subset, drawn, problems, problems_and_kept


def loss(problem: Problem, kept: Kept) -> float:
    return problem.relative_loss(refit(problem, kept))


@given(problems())
def test_removing_one_group_is_exact(problem: Problem) -> None:
    """Greedy removal of a single group finds the best subset."""
    kept = remove_greedily(problem, problem.num_groups - 1, block=1)
    assert loss(problem, kept) == pytest.approx(best_subset(problem, problem.num_groups - 1)[1], abs=1e-10)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 4))
def test_uncorrelated_inputs_are_solved_exactly(seed: int, keep: int, block: int) -> None:
    """With a diagonal Gram matrix no group stands in for another, and any block size finds the best subset."""
    rng = np.random.default_rng(seed)
    problem = make_problem(np.diag(rng.uniform(0.1, 3.0, size=7)), rng.standard_normal((7, 2)))
    kept = remove_greedily(problem, keep, block)
    assert kept.tolist() == best_subset(problem, keep)[0].tolist()


def test_osscar_is_close_to_the_best_subset() -> None:
    """Thirty golden problems of ten groups: loss over that of the best of 252 subsets, and how often it is the best.

    No method is exact. OSSCAR is far closer than scores are, and local search helps.
    """
    ratios = []
    for seed in range(30):
        problem = drawn(seed, groups=10, outputs=4)
        greedy, (_, least) = remove_greedily(problem, 5, block=1), best_subset(problem, 5)
        tried = (
            swap_locally(problem, greedy, SearchConfig(block=2)),
            greedy,
            by_activation(problem, 5),
            by_magnitude(problem, 5),
        )
        ratios.append([loss(problem, kept) / least for kept in tried])
    found = np.array(ratios)
    assert found.min() >= 1 - 1e-9
    assert found.mean(axis=0) == pytest.approx([1.034, 1.067, 1.387, 3.757], abs=1e-3)
    assert np.sum(found < 1 + 1e-9, axis=0).tolist() == [25, 19, 11, 2]


@given(problems_and_kept(), st.integers(1, 4))
def test_local_search_never_raises_the_objective(given_problem: tuple[Problem, Kept], block: int) -> None:
    """From any support, and it keeps as many groups."""
    problem, kept = given_problem
    searched = swap_locally(problem, kept, SearchConfig(block=block))
    assert searched.size == kept.size
    assert loss(problem, searched) <= loss(problem, kept) + 1e-10


def test_local_search_mends_a_bad_choice() -> None:
    """From the worst subset it comes at least halfway down to the best one, and without rounds it does nothing."""
    problem = drawn(3, groups=10, outputs=4)
    worst = np.setdiff1d(np.arange(10), best_subset(problem, 5)[0])
    mended = swap_locally(problem, worst, SearchConfig(block=2))
    least = best_subset(problem, 5)[1]
    assert loss(problem, mended) - least < 0.5 * (loss(problem, worst) - least)
    assert swap_locally(problem, worst, SearchConfig(block=2, rounds=0)).tolist() == worst.tolist()


@pytest.mark.parametrize("size", [1, 2])
def test_copies_cost_nothing(size: int) -> None:
    """Half of the inputs repeat the other half: one of each pair goes, the refit adds its weight to the other's."""
    rng = np.random.default_rng(9)
    once = rng.standard_normal((60, 4 * size))
    read = np.concatenate([once, once], axis=1)
    problem = make_problem(read.T @ read, rng.standard_normal((8 * size, 3)), size, ridge=1e-9)
    kept = remove_greedily(problem, 4, block=1)
    assert sorted(group % 4 for group in kept) == [0, 1, 2, 3]
    assert loss(problem, kept) < 1e-6
    assert problem.relative_loss(weight_on(problem, kept, is_refitted=False)) > 0.1


@pytest.mark.parametrize("name", [name for name in MethodName if not name.startswith("random")])
def test_every_method_but_chance_gives_up_unused_inputs_first(name: MethodName) -> None:
    """Groups with no weight are removed by all of them, and nothing is lost."""
    problem = drawn(4, groups=8, outputs=3)
    weight = problem.weight.copy()
    weight[[1, 4, 6]] = 0.0
    problem = make_problem(problem.hessian, weight, ridge=0.0)
    method = METHODS[name]
    kept = method.choose(problem, 5, SearchConfig(block=1), np.random.default_rng(0))
    assert kept.tolist() == [0, 2, 3, 5, 7]
    assert problem.relative_loss(weight_on(problem, kept, is_refitted=method.is_refitted)) < 1e-12


@given(problems(), st.sampled_from(list(MethodName)), st.data())
def test_every_method_keeps_as_many_groups_as_asked(problem: Problem, name: MethodName, data: st.DataObject) -> None:
    """Ascending, none twice, and the same again from the same seed; a refit never loses more than none."""
    keep = data.draw(st.integers(1, problem.num_groups))
    kept, again = (METHODS[name].choose(problem, keep, SearchConfig(block=2), np.random.default_rng(7)) for _ in "ab")
    assert kept.tolist() == again.tolist() == sorted(set(kept.tolist()))
    assert kept.size == keep
    refitted, plain = (problem.relative_loss(weight_on(problem, kept, is_refitted=yes)) for yes in (True, False))
    assert refitted <= plain + 1e-12


def test_scores_follow_their_formulas() -> None:
    """Magnitude sees the weights alone, activation how strongly each input varies as well."""
    problem = make_problem(np.diag([1.0, 100.0, 4.0]), np.array([[3.0], [1.0], [2.0]]), ridge=0.0)
    assert by_magnitude(problem, 1).tolist() == [0]
    assert by_activation(problem, 1).tolist() == [1]
    assert by_magnitude(problem, 2).tolist() == [0, 2]
    assert by_activation(problem, 2).tolist() == [1, 2]
