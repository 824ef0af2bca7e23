from pathlib import Path

import pytest

from models.training.pruning.journal import Journal
from models.training.pruning.methods import MethodName
from models.training.pruning.plan import Calibration, PlanShape, Source
from models.training.pruning.report import Comparison, Row, table


def a_row(method: MethodName | None = MethodName.OSSCAR, **changes: object) -> Row:
    return Row.model_validate(
        {
            "method": method,
            "removed": 0.5,
            "dropped_layers": (),
            "shape": PlanShape(layers=4, neurons=256, kv_heads=2, parameters=750),
            "loss": 0.01,
            "ndcg_at_10": (0.5, 0.6, 0.4),
            **changes,
        }
    )


def test_a_killed_comparison_goes_on_behind_the_last_whole_row(tmp_path: Path) -> None:
    """A row that was being written when the process died is computed again."""
    file = tmp_path / "work" / "rows.jsonl"
    journal = Journal(file, "run")
    journal.add("first", a_row())
    journal.add("second", a_row(removed=0.75))
    file.write_text(file.read_text()[:-20])
    again = Journal(file, "run")
    assert again.find("first") == a_row()
    assert again.find("second") is None
    again.add("second", a_row(removed=0.9))
    last = Journal(file, "run")
    assert (last.find("first"), last.find("second")) == (a_row(), a_row(removed=0.9))


def test_rows_of_another_run_are_not_taken(tmp_path: Path) -> None:
    """Another bundle, other data or settings."""
    Journal(tmp_path / "rows", "one").add("key", a_row())
    assert Journal(tmp_path / "rows", "two").find("key") is None
    assert Journal(tmp_path / "rows", "one").find("key") is None


@pytest.mark.parametrize("steps", [0, 5])
def test_the_table_says_changes_relative_to_the_unpruned_ranker(steps: int) -> None:
    """Before recovery beside the ranker as it was, afterwards beside the ranker with the same further steps."""
    recovered = {"recovered_ndcg_at_10": (0.9, 0.9, 0.9)} if steps else {}
    shape = PlanShape(layers=4, neurons=512, kv_heads=2, parameters=1000)
    comparison = Comparison(
        bundle=Source(name="ranker", revision="0123"),
        calibration=Calibration(text="summaries", queries=2, prompts=16, tokens=900, sha256="ab"),
        held_out_sha256="cd",
        queries=3,
        recover_steps=steps,
        lesson="both",
        seed=7,
        threads=1,
        unpruned=a_row(None, removed=0, loss=None, shape=shape, ndcg_at_10=(1.0, 1.2, 0.8), **recovered),
        rows=(a_row(**({"recovered_ndcg_at_10": (0.81, 0.81, 0.81)} if steps else {})),),
        single_layers=(a_row(None, removed=0, dropped_layers=(3,), loss=None, ndcg_at_10=(0.9, 1.08, 0.72)),),
    )
    lines = list(table(comparison))
    assert "nDCG@10 1.0000" in lines[1]
    (row,) = [line for line in lines if line.startswith("osscar")]
    assert "-50% " in row
    assert "-25.0%" in row
    assert "-50.00% (-50.00% to -50.00%)" in row
    assert ("-10.00% (-10.00% to -10.00%)" in row) == bool(steps)
    assert lines[-1].split() == ["layer", "3", "-10.00%", "(-10.00%", "to", "-10.00%)"]
