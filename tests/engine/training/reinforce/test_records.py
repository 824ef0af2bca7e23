"""The plain file of a run."""

from pathlib import Path
from types import SimpleNamespace

from models.training.reinforce.records import Records, append_row, cut_after, read_rows, write_json


def test_a_log_becomes_a_row_under_our_names(tmp_path: Path) -> None:
    """The trainer's last log, about the whole run, does not."""
    file = tmp_path / "training.jsonl"
    records = Records(file)
    logs = {"reward": -0.2, "rewards/divergence/mean": -0.1, "kl": 0.5, "clip_ratio/region_mean": 0.25, "epoch": 1}
    records.on_log(None, SimpleNamespace(global_step=4), None, logs)
    records.on_log(None, SimpleNamespace(global_step=4), None, {"train_runtime": 3.0})
    assert read_rows(file) == [{"step": 4, "reward": -0.2, "divergence": -0.1, "clip_fraction": 0.25, "drift_kl": 0.5}]


def test_rows_beyond_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    """With the half line that a kill left; a run that begins anew has no rows."""
    file = tmp_path / "training.jsonl"
    for step in (2, 4, 6):
        append_row(file, {"step": step, "summary": "Köln"})
    with file.open("a", encoding="utf-8") as lines:
        lines.write('{"step": 8, "rew')
    assert [row["step"] for row in read_rows(file)] == [2, 4, 6]
    cut_after(file, 4)
    assert read_rows(file) == [{"step": 2, "summary": "Köln"}, {"step": 4, "summary": "Köln"}]
    cut_after(file, 0)
    assert read_rows(file) == []
    cut_after(tmp_path / "other.jsonl", 0)
    assert read_rows(tmp_path / "other.jsonl") == []


def test_json_is_written_whole(tmp_path: Path) -> None:
    """Beside no partial file, into a folder that is made."""
    write_json(tmp_path / "run" / "result.json", {"a": 1})
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["result.json"]
