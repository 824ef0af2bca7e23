"""`precis lag`: put together from settings."""

import json
from datetime import UTC, datetime
from typing import NoReturn

from rich.console import Console

from ops.lag.lanes import lanes_of
from ops.lag.measure import LaneLag, measure
from ops.lag.present import lag_fields, lag_table
from ops.runfile import resolve
from ops.settings import Settings
from ops.watching import watch

__all__ = ["show_lag", "watch_lag"]


async def show_lag(settings: Settings, *, as_json: bool) -> int:
    """Print the lag of every lane once.

    Returns:
        Exit status.
    """
    _print(Console(), await _measure(settings), as_json=as_json)
    return 0


async def watch_lag(settings: Settings, *, interval_s: float, as_json: bool) -> NoReturn:
    """Print it again and again until Ctrl-C: in place, or as one JSON object a lane a line."""
    await watch(
        lambda: _measure(settings),
        line=lambda console, lanes: _print(console, lanes, as_json=as_json),
        page=lag_table,
        interval_s=interval_s,
        as_json=as_json,
    )


async def _measure(settings: Settings) -> list[LaneLag]:
    bootstrap, _, _ = resolve(settings)
    return await measure(bootstrap, lanes_of(settings), now=datetime.now(UTC))


def _print(console: Console, lanes: list[LaneLag], *, as_json: bool) -> None:
    if as_json:
        for lane in lanes:
            console.file.write(json.dumps(lag_fields(lane)) + "\n")
    elif lanes:
        console.print(lag_table(lanes))
    else:
        console.print("the broker has none of the topics: run `precis topics create`")
