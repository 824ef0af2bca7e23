"""`precis arms`: put together from settings."""

import asyncio
import json
from collections.abc import Sequence
from typing import NoReturn

from rich.console import Console
from rich.live import Live

from ops.arms.fetch import Process, admin_client, admin_urls, fetch_arms
from ops.arms.present import arms_fields, arms_page
from ops.settings import Settings

__all__ = ["show_arms", "watch_arms"]

_WATCH_S = 2.0


async def show_arms(settings: Settings, urls: Sequence[str], key: str, *, as_json: bool) -> int:
    """Print once.

    Args:
        settings: Where, unless ``urls`` says.
        urls: Admin addresses; none takes those of the settings.
        key: API key.
        as_json: One JSON object.

    Returns:
        Exit status: 0 where every process does what is declared, otherwise 1.
    """
    async with admin_client(key) as http:
        processes = await fetch_arms(http, urls or admin_urls(settings))
    _print(Console(), processes, as_json=as_json)
    return 0 if all(process.is_as_declared for process in processes) else 1


async def watch_arms(settings: Settings, urls: Sequence[str], key: str, *, as_json: bool) -> NoReturn:
    """Print again and again until Ctrl-C: in place, or as one JSON object a line."""
    console, urls = Console(), urls or admin_urls(settings)
    async with admin_client(key) as http:
        if as_json or not console.is_terminal:
            while True:
                _print(console, await fetch_arms(http, urls), as_json=as_json)
                console.file.flush()
                await asyncio.sleep(_WATCH_S)
        with Live(arms_page(await fetch_arms(http, urls)), console=console, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(_WATCH_S)
                live.update(arms_page(await fetch_arms(http, urls)), refresh=True)


def _print(console: Console, processes: Sequence[Process], *, as_json: bool) -> None:
    if as_json:
        console.out(json.dumps(arms_fields(processes)), highlight=False)
    else:
        console.print(arms_page(processes))
