"""Keeping the embedded stack up until Ctrl-C or SIGTERM."""

import signal
import time
from typing import NoReturn

from rich.console import Console

from ops.settings import Settings
from ops.stack import EmbeddedStack

__all__ = ["keep_up", "stop_on_signals", "watch"]

_LOOK_S = 0.2


def stop_on_signals() -> None:
    """Let SIGTERM do what Ctrl-C does: ``KeyboardInterrupt``, so that every ``with`` closes what it opened.

    SIGINT is set too: a shell starts its background jobs with that signal ignored, and ``kill -INT`` should work there.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def keep_up(settings: Settings) -> int:
    """Start the stack, say where it is, stay until Ctrl-C.

    Returns:
        Exit status.

    Raises:
        BackendUnavailable: A part did not start, or ended.
    """
    stop_on_signals()
    console = Console(stderr=True)
    try:
        with console.status("starting") as status, EmbeddedStack(settings, on_step=status.update) as stack:
            status.stop()
            has_index = settings.store.kind == "sqlite"
            what = "search page" if has_index else "scorer     "
            console.print(f"[bold green]up[/]  {what}  {stack.run.scorer_url}/")
            console.print(f"    Kafka        {stack.run.bootstrap}  (topic {settings.topics.updates})")
            console.print(f"    data         {settings.data_dir}")
            search = "precis search 'QUERY'" if has_index else "precis score -q 'QUERY' JOB_ID..."
            console.print(f"    next         precis ingest FILE...   {search}   Ctrl-C stops")
            watch(stack)
    except KeyboardInterrupt:
        console.print("stopped")
    return 0


def watch(stack: EmbeddedStack) -> NoReturn:
    """Look after the parts for ever.

    Raises:
        BackendUnavailable: A part has ended.
        KeyboardInterrupt: Ctrl-C.
    """
    while True:
        stack.check()
        time.sleep(_LOOK_S)
