"""`--watch`: asking and showing again and again until Ctrl-C."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live

__all__ = ["watch"]

_T = TypeVar("_T")


async def watch(
    ask: Callable[[], Awaitable[_T]],
    *,
    line: Callable[[Console, _T], None],
    page: Callable[[_T], RenderableType],
    interval_s: float,
    as_json: bool,
) -> NoReturn:
    """Show each answer: in place on a terminal, otherwise, and as JSON, one below the other.

    Args:
        ask: For the answer of now.
        line: Prints one below the last.
        page: What stands in place.
        interval_s: Between answers.
        as_json: Whether ``line`` is wanted on a terminal too.
    """
    console = Console()
    if as_json or not console.is_terminal:
        while True:
            line(console, await ask())
            console.file.flush()
            await asyncio.sleep(interval_s)
    with Live(page(await ask()), console=console, auto_refresh=False) as live:
        while True:
            await asyncio.sleep(interval_s)
            live.update(page(await ask()), refresh=True)
