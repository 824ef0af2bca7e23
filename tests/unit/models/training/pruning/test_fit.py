import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.pruning.fit import Fit, refit
from models.training.pruning.problem import Kept, Problem, columns_of, make_problem
from tests.unit.models.training.pruning.problems import drawn, problems_and_kept


def test_the_problem_is_the_one_of_the_paper_written_out() -> None:
    """H = X'X + ridge mean(diag X'X) I and G = H W0, by hand on two inputs."""
    gram, weight = np.array([[4.0, 1.0], [1.0, 2.0]]), np.array([[1.0], [3.0]])
    problem = make_problem(gram, weight, ridge=0.1)
    assert problem.hessian == pytest.approx(np.array([[4.3, 1.0], [1.0, 2.3]]))
    assert problem.target == pytest.approx(np.array([[7.3], [7.9]]))
    assert problem.energy == pytest.approx(1 * 7.3 + 3 * 7.9)
    # Without the second input: w = 7.3 / 4.3, and what is lost is w2^2 (H_22 - H_12^2 / H_11).
    kept_first = refit(problem, np.array([0]))
    assert kept_first == pytest.approx(np.array([[7.3 / 4.3], [0.0]]))
    assert problem.relative_loss(kept_first) * problem.energy == pytest.approx(9 * (2.3 - 1 / 4.3))


def test_a_refit_equals_least_squares() -> None:
    """Without a ridge it is numpy's lstsq of the old outputs on the kept inputs."""
    rng = np.random.default_rng(5)
    read, weight = rng.standard_normal((40, 8)), rng.standard_normal((8, 3))
    problem = make_problem(read.T @ read, weight, ridge=0.0)
    kept = np.array([0, 2, 3, 7])
    expected, *_ = np.linalg.lstsq(read[:, kept], read @ weight)
    assert refit(problem, kept)[kept] == pytest.approx(expected, abs=1e-10)


def test_the_relative_loss_is_the_lost_part_of_the_outputs() -> None:
    """||X W0 - X W||^2 / ||X W0||^2 where there is no ridge, whatever W is."""
    rng = np.random.default_rng(6)
    read, weight, other = (rng.standard_normal(size) for size in ((30, 6), (6, 2), (6, 2)))
    problem = make_problem(read.T @ read, weight, ridge=0.0)
    expected = np.sum((read @ weight - read @ other) ** 2) / np.sum((read @ weight) ** 2)
    assert problem.relative_loss(other) == pytest.approx(expected)
    assert problem.relative_loss(weight) == 0.0


@given(problems_and_kept(), st.randoms(use_true_random=False))
def test_rank_updates_equal_a_fresh_inverse(given_problem: tuple[Problem, Kept], rng: object) -> None:
    """Groups removed in any order and number at a time leave the inverse and weight of the support, computed afresh."""
    problem, kept = given_problem
    fit = Fit.on(problem, np.arange(problem.num_groups))
    gone = [group for group in range(problem.num_groups) if group not in kept]
    rng.shuffle(gone)
    cut = rng.randint(0, len(gone))
    for part in (gone[:cut], gone[cut:]):
        if part:
            fit.remove(np.array(sorted(part)))
    fresh = Fit.on(problem, kept)
    assert np.array_equal(fit.kept, kept)
    scale = np.abs(fresh.inverse).max()
    assert fit.inverse / scale == pytest.approx(fresh.inverse / scale, abs=1e-8)
    assert fit.weight == pytest.approx(refit(problem, kept), abs=1e-7)


@given(problems_and_kept())
def test_a_removal_costs_what_the_objective_then_rises_by(given_problem: tuple[Problem, Kept]) -> None:
    """The closed form against a refit without the group; removed groups cost infinitely much."""
    problem, kept = given_problem
    fit = Fit.on(problem, kept)
    costs = fit.removal_costs()
    assert np.isinf(costs).sum() == problem.num_groups - kept.size
    if kept.size == 1:
        return
    for group in kept:
        without = Fit.on(problem, kept[kept != group])
        assert costs[group] == pytest.approx((without.loss - fit.loss) / 2, rel=1e-5, abs=1e-9 * problem.energy)


@given(problems_and_kept())
def test_an_insertion_gains_what_the_objective_then_falls_by(given_problem: tuple[Problem, Kept]) -> None:
    """The closed form against a refit with the group; kept groups gain nothing."""
    problem, kept = given_problem
    fit = Fit.on(problem, kept)
    gains = fit.insertion_gains()
    assert np.isneginf(gains).sum() == kept.size
    for group in np.setdiff1d(np.arange(problem.num_groups), kept):
        with_it = Fit.on(problem, np.union1d(kept, [group]))
        assert gains[group] == pytest.approx((fit.loss - with_it.loss) / 2, rel=1e-5, abs=1e-9 * problem.energy)


@given(problems_and_kept())
def test_the_loss_of_a_fit_is_the_objective_s(given_problem: tuple[Problem, Kept]) -> None:
    """The short form, true at a minimum only, equals the quadratic form."""
    problem, kept = given_problem
    fit = Fit.on(problem, kept)
    assert fit.loss / problem.energy == pytest.approx(problem.relative_loss(fit.weight), abs=1e-9)


def test_a_copy_does_not_follow() -> None:
    """A trial may be changed."""
    fit = Fit.on(drawn(1, 5, 2), np.arange(5))
    fit.copy().remove(np.array([1, 3]))
    assert fit.kept.tolist() == [0, 1, 2, 3, 4]
    assert np.count_nonzero(fit.weight) == fit.weight.size


def test_groups_are_neighbouring_columns() -> None:
    """Group 2 of threes is columns 6 to 8."""
    assert columns_of(np.array([0, 2]), 3).tolist() == [0, 1, 2, 6, 7, 8]


@pytest.mark.parametrize(("gram", "weight", "size"), [((3, 3), (4, 2), 1), ((4, 3), (4, 2), 1), ((4, 4), (4, 2), 3)])
def test_shapes_that_do_not_fit_are_refused(gram: tuple[int, int], weight: tuple[int, int], size: int) -> None:
    """Before anything is computed with them."""
    with pytest.raises(ValueError, match="do not fit"):
        make_problem(np.ones(gram), np.ones(weight), size)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_inputs_that_say_nothing_are_refused(value: float) -> None:
    """All zero, or not numbers: every choice would look equally good."""
    with pytest.raises(ValueError, match="calibration inputs"):
        make_problem(np.full((2, 2), value), np.ones((2, 1)))
