"""The learning curve of a training: a small CSV file beside its bundle."""

import csv
from collections.abc import Callable
from pathlib import Path

__all__ = ["Curve"]

_COLUMNS = ("step", "train_loss", "held_out")


class Curve:
    """Writes a row every so many steps: mean loss since the row before, and what ``measure`` says of the model then.

    A run that is resumed adds to its file; rows that it writes again follow the older ones.
    """

    def __init__(self, path: Path, every: int, measure: Callable[[], float]) -> None:
        """Begin or continue the file.

        Args:
            path: The CSV file; its folder is made where it is missing.
            every: Steps between rows.
            measure: A held-out figure of the model as it is now.
        """
        self._path = path
        self._every = every
        self._measure = measure
        self._losses: list[float] = []
        path.parent.mkdir(parents=True, exist_ok=True)

    def note(self, step: int, loss: float) -> None:
        """Take the loss of a step (from 1)."""
        self._losses.append(loss)
        if step % self._every:
            return
        is_new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(_COLUMNS)
            mean_loss = sum(self._losses) / len(self._losses)
            writer.writerow((step, f"{mean_loss:.4f}", f"{self._measure():.4f}"))
        self._losses.clear()
