"""The grid: which runs, and their table."""

from importlib.util import find_spec
from itertools import product
from pathlib import Path

import pytest

from models.training.reinforce.config import Algorithm, GspoConfig
from models.training.reinforce.length import Penalty

if find_spec("trl"):
    from models.training.reinforce.grid import cells, parse_arguments, recorded, rows_of, table

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


def result(algorithm: str, weight: float, before: float, after: float) -> dict[str, object]:
    names = ("divergence", "length_ratio", "item_ratio", "tokens", "faithfulness", "fact_recall", "empty_share")
    return {
        "config": {"algorithm": algorithm, "penalty": "quadratic", "weight": weight},
        "before": dict.fromkeys(names, before) | {"ndcg_at_10": before},
        "after": dict.fromkeys(names, after) | {"ndcg_at_10": after},
    }


def test_seeds_of_a_cell_are_averaged_and_their_range_is_shown() -> None:
    """The start is a row of its own."""
    rows = rows_of([result("gspo", 0.4, 0.5, 0.6), result("grpo", 0.4, 0.5, 0.4), result("gspo", 0.4, 0.5, 0.7)])
    assert [(row["cell"], row["seeds"], row["ndcg_at_10"], row["ndcg_at_10_range"]) for row in rows] == [
        ("start", 1, 0.5, [0.5, 0.5]),
        ("gspo, quadratic, w = 0.4", 2, 0.65, [0.6, 0.7]),
        ("grpo, quadratic, w = 0.4", 1, 0.4, [0.4, 0.4]),
    ]
    lines = table(rows).splitlines()
    assert lines[0].startswith("| cell | seeds | ndcg_at_10 |")
    assert lines[3].startswith("| gspo, quadratic, w = 0.4 | 2 | 0.65 | ")
    assert lines[3].endswith(" 0.6 to 0.7 |")
    assert len(lines) == 2 + 3
    assert rows_of([]) == []


def test_the_table_is_a_recorded_run() -> None:
    """With the identity of what it follows from, and rows of text."""
    results = [result("gspo", 0.4, 0.5, 0.6) | {"started_from": "a", "ranker": "b", "data_sha256": "c", "versions": {}}]
    run = recorded(rows_of(results), results, "2026-11-28")
    assert run["config"]["cells"] == [results[0]["config"]]
    again = recorded(rows_of(results), [results[0] | {"ranker": "other"}], "2026-11-28")
    assert len(run["config_sha256"]) == 64
    assert run["config_sha256"] != again["config_sha256"]
    (printed,) = run["tables"]
    assert printed["head"][:3] == ["cell", "seeds", "ndcg_at_10"]
    assert [row[:3] for row in printed["rows"]] == [["start", "1", "0.5"], ["gspo, quadratic, w = 0.4", "1", "0.6"]]


def test_settings_that_the_grid_draws_are_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    """The others are those of a single run."""
    base, seeds, sweep = parse_arguments(["--out", "grid", "--steps", "8", "--seeds", "1", "2", "--sweep"])
    assert (base.steps, seeds, sweep) == (8, [1, 2], [])
    with pytest.raises(SystemExit):
        parse_arguments(["--out", "grid", "--weight", "0.5"])
    assert "--weight" in capsys.readouterr().err
