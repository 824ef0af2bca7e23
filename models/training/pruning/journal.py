"""Results that were computed already: a comparison that is killed goes on where it was."""

import json
from pathlib import Path

from models.training.pruning.report import Row

__all__ = ["Journal"]


class Journal:
    """Rows in a file of JSON lines, each under a key; the first line names the run.

    Args:
        file: Made with the first row. A file of another run is begun anew; a line that was cut off is computed again.
        fingerprint: Identity of the run: whatever changes a row must be part of it or of the row's key.
    """

    def __init__(self, file: Path, fingerprint: str) -> None:
        self._file = file
        self._rows: dict[str, Row] = {}
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
        if lines and lines[0] == f"{json.dumps(fingerprint)}\n":
            whole = [json.loads(line) for line in lines[1:] if line.endswith("\n")]
            self._rows = {key: Row.model_validate(row) for key, row in whole}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{json.dumps(fingerprint)}\n", encoding="utf-8")
        for key, row in self._rows.items():
            self._append(key, row)

    def find(self, key: str) -> Row | None:
        """The row of that key, or None."""
        return self._rows.get(key)

    def add(self, key: str, row: Row) -> None:
        """Keep a row."""
        self._rows[key] = row
        self._append(key, row)

    def _append(self, key: str, row: Row) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, row.model_dump(mode="json")]) + "\n")
