"""The course of a run as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

__all__ = ["draw_run"]

_PANELS = (
    ("reward", "reward"),
    ("divergence", "-KL(p_sum || p_raw)"),
    ("length", "length reward, before its weight"),
    ("faithfulness", "minus the share refused by the gate"),
    ("tokens", "tokens a summary"),
    ("clip_fraction", "share of samples clipped"),
    ("drift_kl", "KL(policy || start) a token"),
    ("entropy", "entropy a token, nats"),
)


def draw_run(rows: Sequence[Mapping[str, Any]], title: str, file: Path) -> None:
    """One panel a number over the optimiser steps.

    Args:
        rows: Of ``training.jsonl``; may be empty.
        title: Above the picture.
        file: Its name ends in ``.png`` or ``.svg``.
    """
    figure = Figure(figsize=(14, 6), layout="constrained")
    for panel, (name, label) in zip(figure.subplots(2, 4).flat, _PANELS, strict=True):
        points = [(row["step"], row[name]) for row in rows if name in row]
        panel.plot([step for step, _ in points], [value for _, value in points], linewidth=1)
        panel.set_title(label, fontsize=9)
        panel.set_xlabel("step", fontsize=8)
        panel.tick_params(labelsize=7)
        panel.grid(alpha=0.3)
    figure.suptitle(title, fontsize=11)
    figure.savefig(file, dpi=110)
