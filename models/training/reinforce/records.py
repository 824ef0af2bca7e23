"""What a run leaves behind while it goes on: a plain file of numbers, one of samples, and TensorBoard's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["Records", "append_row", "cut_after", "read_rows", "write_json"]

_NAMES = {
    "reward": "reward",
    "reward_std": "reward_spread",
    "rewards/divergence/mean": "divergence",
    "rewards/length/mean": "length",
    "rewards/faithfulness/mean": "faithfulness",
    "completions/mean_length": "tokens",
    "completions/clipped_ratio": "unfinished_share",
    "clip_ratio/region_mean": "clip_fraction",
    "kl": "drift_kl",
    "entropy": "entropy",
    "grad_norm": "gradient_norm",
    "loss": "loss",
    "step_time": "step_seconds",
}
"""TRL's names and ours, which the plain file, the table and the picture use."""


class Records(TrainerCallback):
    """Appends a row of numbers to a JSON Lines file at every log, which is one a rollout."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Called by the trainer; its last log, of the whole run's time, is no row."""
        del args, control
        if logs and "reward" in logs:
            numbers = {ours: logs[name] for name, ours in _NAMES.items() if name in logs}
            append_row(self._file, {"step": state.global_step, **numbers})


def append_row(file: Path, row: Mapping[str, Any]) -> None:
    """Add one line."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows so far; a last line that a kill cut off does not count."""
    if not file.exists():
        return []
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def cut_after(file: Path, step: int) -> None:
    """Drop the rows beyond a step: what a run does again after a kill is recorded once."""
    kept = [row for row in read_rows(file) if row["step"] <= step]
    _replace(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write a whole file or none of it; its folder is made where it is missing."""
    _replace(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
