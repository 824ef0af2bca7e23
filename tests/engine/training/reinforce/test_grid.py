"""The grid: which runs."""

from importlib.util import find_spec
from itertools import product
from pathlib import Path

import pytest

from models.training.reinforce.config import Algorithm, GspoConfig
from models.training.reinforce.length import Penalty

if find_spec("trl"):
    from models.training.reinforce.grid import cells, parse_arguments

pytestmark = pytest.mark.training


def test_the_grid_is_two_by_two_with_seeds_and_a_sweep_with_one() -> None:
    """Each run in a folder of its own, the paper's best first."""
    runs = cells(GspoConfig(Path("grid")), [7, 8, 9], [0.1, 0.8])
    assert len(runs) == len({run.out for run in runs}) == 2 * 2 * 3 + 2
    assert (runs[0].algorithm, runs[0].penalty, runs[0].weight, runs[0].seed) == ("gspo", "quadratic", 0.4, 7)
    square = {(run.algorithm, run.penalty, run.seed) for run in runs if run.weight == 0.4}
    assert square == set(product(Algorithm, Penalty, (7, 8, 9)))
    assert [(run.algorithm, run.penalty, run.weight, run.seed) for run in runs[-2:]] == [
        ("gspo", "quadratic", 0.1, 7),
        ("gspo", "quadratic", 0.8, 7),
    ]
    assert runs[0].out == Path("grid") / "gspo-quadratic-w0.4-seed7"


def test_settings_that_the_grid_draws_are_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    """The others are those of a single run."""
    base, seeds, sweep = parse_arguments(["--out", "grid", "--steps", "8", "--seeds", "1", "2", "--sweep"])
    assert (base.steps, seeds, sweep) == (8, [1, 2], [])
    with pytest.raises(SystemExit):
        parse_arguments(["--out", "grid", "--weight", "0.5"])
    assert "--weight" in capsys.readouterr().err
