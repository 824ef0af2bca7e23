"""Lag as people read it, and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from ops.lag.measure import LaneLag
from ops.numbers import age_text

__all__ = ["lag_fields", "lag_table"]


def lag_table(lanes: Sequence[LaneLag]) -> Table:
    """A row in bold for each lane, and below it one for each partition; narrow enough for 80 columns."""
    table = Table(header_style="dim", box=None, padding=(0, 1))
    table.add_column("lane", no_wrap=True)
    table.add_column("topic", overflow="fold")
    for name in ("part", "committed", "end", "lag", "oldest"):
        table.add_column(name, justify="right", no_wrap=True)
    for measured in lanes:
        lane = measured.lane
        style = "bold yellow" if measured.lag else "bold"
        table.add_row(lane.name, lane.topic, "all", "", "", str(measured.lag), _age(measured.age_s), style=style)
        for part in measured.partitions:
            committed = "-" if part.committed is None else str(part.committed)
            table.add_row(
                "", "", str(part.partition), committed, str(part.end), str(part.lag), _age(part.age_s), style="dim"
            )
    return table


def lag_fields(measured: LaneLag) -> dict[str, Any]:
    """One lane as a JSON object."""
    return {
        "lane": measured.lane.name,
        "topic": measured.lane.topic,
        "group": measured.lane.group,
        "lag": measured.lag,
        "oldest_age_s": measured.age_s,
        "partitions": [
            {
                "partition": part.partition,
                "committed": part.committed,
                "end": part.end,
                "lag": part.lag,
                "oldest_age_s": part.age_s,
            }
            for part in measured.partitions
        ],
    }


def _age(age_s: float | None) -> str:
    return "-" if age_s is None else age_text(age_s)
