"""Reading the evaluation data: JSON Lines, gzipped, in a folder that is no part of the repository."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError

__all__ = ["DEFAULT_FOLDER", "EvaluationData", "find_evaluation_data"]

DEFAULT_FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "data"
"""Beside the checkout."""

_NEEDED = ("emscad", "esco_occupations", "melo", "occupations", "usajobs")


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """A folder that has every file needed."""

    folder: Path

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of ``name.jsonl.gz``, in order."""
        with gzip.open(self.folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def find_evaluation_data(folder: Path = DEFAULT_FOLDER) -> EvaluationData:
    """The data in a folder.

    Raises:
        ConfigurationError: A file is not there.
    """
    missing = [f"{name}.jsonl.gz" for name in _NEEDED if not (folder / f"{name}.jsonl.gz").is_file()]
    if missing:
        message = (
            f"evaluation data {str(folder)!r} lack {', '.join(missing)}: point --judged-data to the folder that has "
            "them, or leave out the judged real sets with --no-real"
        )
        raise ConfigurationError(message)
    return EvaluationData(folder)
