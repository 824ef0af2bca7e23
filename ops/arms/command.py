"""`precis arms`: put together from settings."""

import json
from collections.abc import Sequence
from typing import NoReturn

from rich.console import Console

from ops.arms.fetch import Process, admin_client, admin_urls, fetch_arms
from ops.arms.present import arms_fields, arms_page
from ops.settings import Settings
from ops.watching import watch

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
    urls = urls or admin_urls(settings)
    async with admin_client(key) as http:
        await watch(
            lambda: fetch_arms(http, urls),
            line=lambda console, processes: _print(console, processes, as_json=as_json),
            page=arms_page,
            interval_s=_WATCH_S,
            as_json=as_json,
        )


def _print(console: Console, processes: Sequence[Process], *, as_json: bool) -> None:
    if as_json:
        console.out(json.dumps(arms_fields(processes)), highlight=False)
    else:
        console.print(arms_page(processes))
