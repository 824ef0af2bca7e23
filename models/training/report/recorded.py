"""Recorded runs: trainings that take longer than the report may, kept as small JSON files and printed as what they are.

A file in ``docs/results/recorded``, one a run:

    {"format": "precis.recorded/1", "name": "...", "title": "...", "command": "precis ...", "date": "2026-11-28",
     "config": {...}, "config_sha256": "...",
     "figures": [{"name": "...", "says": "...", "value": 0.0, "low": 0.0, "high": 0.0}],
     "tables": [{"title": "...", "head": ["..."], "rows": [["..."]]}], "remarks": ["..."]}

The hash is over the config (keys sorted, no blanks), so a config that was changed afterwards is found out.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, model_validator

from models.training.report.chapter import Chapter, Figure, Table
from models.training.significance import Interval
from schemas.errors import ConfigurationError

__all__ = [
    "Recorded",
    "RecordedFigure",
    "RecordedTable",
    "config_digest",
    "read_recorded",
    "record",
    "recorded_chapter",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordedFigure(_Part):
    """A number with its 95 % interval."""

    name: str
    says: str
    value: float
    low: float
    high: float


class RecordedTable(_Part):
    """Rows of text."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Recorded(_Part):
    """One run."""

    format: Literal["precis.recorded/1"] = "precis.recorded/1"
    name: str
    title: str
    command: str
    date: str
    config: dict[str, JsonValue]
    config_sha256: str
    figures: tuple[RecordedFigure, ...] = ()
    tables: tuple[RecordedTable, ...] = ()
    remarks: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (found := config_digest(self.config)) != self.config_sha256:
            message = f"config_sha256 is {self.config_sha256[:12]}, the config's is {found[:12]}: it was changed since"
            raise ValueError(message)
        return self


def record(
    *,
    name: str,
    title: str,
    command: str,
    config: Mapping[str, Any],
    date: str | None = None,
    figures: Iterable[RecordedFigure] = (),
    tables: Iterable[RecordedTable] = (),
    remarks: Iterable[str] = (),
) -> Recorded:
    """A run as it is kept.

    Args:
        name: Of the file.
        title: For people.
        command: What ran.
        config: All that it depended on, as JSON has it.
        date: Of the run, ISO 8601; None: today.
        figures: Numbers by name.
        tables: For people.
        remarks: Sentences below them.
    """
    return Recorded(
        name=name,
        title=title,
        command=command,
        date=date or datetime.now(UTC).date().isoformat(),
        config=dict(config),
        config_sha256=config_digest(config),
        figures=tuple(figures),
        tables=tuple(tables),
        remarks=tuple(remarks),
    )


def config_digest(config: Mapping[str, Any]) -> str:
    """SHA-256 of a config as JSON, keys sorted, no blanks."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_recorded(folder: Path) -> list[Recorded]:
    """The runs of a folder, by file name; none where there is no folder.

    Raises:
        ConfigurationError: A file does not hold together; the message says which and why.
    """
    runs = []
    for file in sorted(folder.glob("*.json")):
        try:
            runs.append(Recorded.model_validate_json(file.read_bytes()))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'run'}: {item['msg']}" for item in error.errors()[:3]
            )
            message = f"recorded run {file.name!r} does not fit: {problems}. Record it anew, or take the file away"
            raise ConfigurationError(message) from error
    return runs


def recorded_chapter(runs: Sequence[Recorded]) -> Chapter:
    """All runs as one section, marked as recorded."""
    rows = [[run.title, run.date, run.config_sha256[:12], f"`{run.command}`"] for run in runs]
    tables = [Table("Runs", ["run", "date", "config", "command"], rows)]
    tables += [Table(f"{run.title}: {table.title}", table.head, table.rows) for run in runs for table in run.tables]
    figures = [
        Figure(each.name, Interval(each.value, each.low, each.high), each.says, recomputed=False)
        for run in runs
        for each in run.figures
    ]
    return Chapter(
        "recorded",
        "Recorded runs",
        "Trainings take longer than a report may. These figures were recorded when they ran, by the commands beside "
        "them; this report did not compute them.",
        figures,
        tables,
        remarks=[f"{run.title}: {remark}" for run in runs for remark in run.remarks],
    )
