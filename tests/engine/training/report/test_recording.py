"""Keeping a comparison of pruning methods for the report."""

import pytest

from models.training.pruning.methods import MethodName
from models.training.pruning.plan import Calibration, PlanShape, Source
from models.training.pruning.report import Comparison, Row
from models.training.report.recorded import read_recorded
from models.training.report.recording import from_comparison, main, write_recorded
from schemas.errors import ConfigurationError

SHAPE = PlanShape(layers=4, neurons=512, kv_heads=2, parameters=3_400_000)


def _row(method, removed, before, after, dropped=()):
    return Row(
        method=method,
        removed=removed,
        dropped_layers=dropped,
        shape=SHAPE,
        ndcg_at_10=before,
        recovered_ndcg_at_10=after,
    )


def _comparison(control=(0.8, 0.4)):
    return Comparison(
        bundle=Source(name="ranker-tiny", revision="abc"),
        calibration=Calibration(text="summaries", queries=2, prompts=16, tokens=900, sha256="0" * 64),
        held_out_sha256="1" * 64,
        queries=2,
        recover_steps=50,
        lesson="both",
        seed=7,
        threads=1,
        unpruned=_row(None, 0.0, (1.0, 0.5), control),
        rows=(
            _row(MethodName.OSSCAR, 0.4, (0.5, 0.25), (0.76, 0.38)),
            _row(MethodName.MAGNITUDE, 0.4, (0.1, 0.05), (0.4, 0.2)),
            _row(MethodName.OSSCAR, 0.4, (0.1, 0.05), (0.4, 0.2), dropped=(3,)),
        ),
        single_layers=(),
    )


def test_recovered_figures_are_relative_to_the_control_of_the_same_steps(tmp_path):
    """-5 % after recovery at each query, so without doubt; only OSSCAR on all layers has a figure, all have a row."""
    run = from_comparison(_comparison(), name="pruning", command="precis prune compare", date="2026-11-28")
    (figure,) = run.figures
    assert figure.name == "pruned_40_recovered_relative"
    assert (figure.value, figure.low, figure.high) == tuple([pytest.approx(-0.05)] * 3)
    assert [row[:3] for row in run.tables[0].rows] == [
        ("osscar", "40%", ""),
        ("magnitude", "40%", ""),
        ("osscar", "40%", "4"),
    ]
    assert run.tables[0].rows[0][4].startswith("-50.00 %")
    assert write_recorded(run, tmp_path).name == "pruning.json"
    assert read_recorded(tmp_path) == [run]


def test_what_was_calibrated_on_full_text_has_figures_of_its_own():
    """Both comparisons may stand in one report."""
    usual = _comparison()
    other = usual.model_copy(update={"calibration": usual.calibration.model_copy(update={"text": "full-text"})})
    run = from_comparison(other, name="pruning-full-text", command="c", date="d")
    assert [figure.name for figure in run.figures] == ["pruned_40_full_text_recovered_relative"]
    assert "calibrated on full text" in run.title


def test_a_comparison_without_recovery_is_refused():
    """The report measures that itself."""
    with pytest.raises(ConfigurationError, match="--recover-steps"):
        from_comparison(_comparison(control=None), name="pruning", command="c", date="d")


def test_the_command_writes_the_file_or_says_what_is_wrong(tmp_path, capsys):
    """One sentence for a file that is something else."""
    file = tmp_path / "comparison.json"
    arguments = ["--comparison", str(file), "--command", "precis prune compare", "--out", str(tmp_path / "recorded")]
    assert main(arguments) == 2
    assert "cannot be read" in capsys.readouterr().err
    file.write_text("{}")
    assert main(arguments) == 2
    assert "precis prune compare --json" in capsys.readouterr().err
    file.write_text(_comparison().model_dump_json())
    assert main(arguments) == 0
    assert read_recorded(tmp_path / "recorded")[0].command == "precis prune compare"
