"""What finished runs came to: a row for each cell of settings, as a table and as a recorded run."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from models.training.report.markdown import table_lines
from models.training.report.recorded import Recorded, RecordedTable, record

__all__ = ["recorded", "rows_of", "table"]

_SHOWN = (
    "ndcg_at_10",
    "divergence",
    "length_ratio",
    "item_ratio",
    "tokens",
    "faithfulness",
    "fact_recall",
    "empty_share",
)


def rows_of(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a cell, means over its seeds; the start comes first.

    Args:
        results: Of finished runs (``result.json``), which share their start.

    Returns:
        ``cell``, ``seeds``, the measures that the table shows, and ``ndcg_at_10_range`` over the seeds.
    """
    if not results:
        return []
    by_cell: dict[str, list[Mapping[str, float]]] = {"start": [results[0]["before"]]}
    for result in results:
        config = result["config"]
        cell = f"{config['algorithm']}, {config['penalty']}, w = {config['weight']:g}"
        by_cell.setdefault(cell, []).append(result["after"])
    return [
        {
            "cell": cell,
            "seeds": len(measures),
            **{name: round(fmean(each[name] for each in measures), 4) for name in _SHOWN},
            "ndcg_at_10_range": [round(pick(each["ndcg_at_10"] for each in measures), 4) for pick in (min, max)],
        }
        for cell, measures in by_cell.items()
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows in Markdown."""
    columns = ["cell", "seeds", *_SHOWN, "ndcg_at_10_range"]
    lines = table_lines(columns, [[_cell(row[column]) for column in columns] for row in rows])
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)


def recorded(results: Sequence[Mapping[str, Any]], name: str, title: str, command: str) -> Recorded:
    """The table as a recorded run of today, which ``precis eval report`` prints as what it is.

    Args:
        results: Of the finished runs, at least one.
        name: Of the record.
        title: For people.
        command: What ran.
    """
    rows = rows_of(results)
    config = {
        "cells": [result["config"] for result in results],
        **{name: results[0][name] for name in ("started_from", "ranker", "data_sha256", "versions")},
    }
    head = tuple(rows[0])
    printed = tuple(tuple(_cell(row[column]) for column in head) for row in rows)
    return record(
        name=name,
        title=title,
        command=command,
        config=config,
        tables=(RecordedTable(title="held-out measures, means over seeds", head=head, rows=printed),),
    )
