"""The shipped samples: generated postings, and queries with graded candidates among them."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.ingest.read import Readable
from schemas.posting import job_id_of

__all__ = ["JudgedQuery", "read_judged", "read_samples"]

_SAMPLES = Path(__file__).resolve().parent.parent / "samples"


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and the grades of its candidates.

    Attributes:
        query_id: Its name.
        query: As a person typed it.
        grades: Job id -> 0 (irrelevant) to 4 (meets everything).
    """

    query_id: str
    query: str
    grades: dict[str, int]


def read_samples() -> list[Readable]:
    """The sample postings, in order of id."""
    return [
        Readable(f"samples:{number}", job_id_of(posting), posting)
        for number, posting in enumerate(_objects("postings.jsonl.gz"), start=1)
    ]


def read_judged() -> list[JudgedQuery]:
    """The judged queries; no model was trained on them."""
    return [JudgedQuery(**fields) for fields in _objects("judged.jsonl.gz")]


def _objects(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(_SAMPLES / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
