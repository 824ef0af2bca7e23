"""`precis stack`: Apache Kafka and the store that the profile `local-real` needs, on this machine, without Docker."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from ops.local_real import Stack
    from ops.local_real.stack import PartStatus

__all__ = ["register"]

_NOT_RUNNING = 3  # as systemctl says it


def register(app: typer.Typer) -> None:
    """Add the commands."""
    stack = typer.Typer(
        help="Apache Kafka and a stand-in for Couchbase on this machine, for the profile local-real.",
        no_args_is_help=True,
    )
    stack.command()(up)
    stack.command()(down)
    stack.command()(status)
    app.add_typer(stack, name="stack", rich_help_panel="Start here")


def up(
    *,
    brokers: Annotated[
        int | None, typer.Option(help="1 or 3; by default as many as there were, 1 the first time.", min=1, max=3)
    ] = None,
) -> None:
    """Start Kafka and the key-value stand-in in the background, with topics and collections made.

    A second time it starts only what does not run. Ctrl-C stops what it has started. The store is a stand-in for tests
    and development, not Couchbase.
    """
    from ops.commands.keep import stop_on_signals

    stack, console = _stack(), Console(stderr=True)
    stop_on_signals()
    with console.status("starting") as progress:
        changes = stack.up(brokers, on_step=progress.update)
    for part in stack.status():
        console.print(f"[bold green]{changes[part.record.name]:8}[/] {part.record.name:12} {part.record.address}")
    note = "The store is a stand-in for Couchbase's key-value service: test equipment, not Couchbase."
    console.print(note, soft_wrap=True)
    console.print(f"data  {stack.folder}", highlight=False)
    console.print("next  export PRECIS_PROFILE=local-real; precis up    stop  precis stack down")


def down() -> None:
    """Stop everything that `precis stack up` started; data and ports are kept for the next start."""
    from contextlib import suppress

    from ops.runfile import read_run_file
    from schemas.errors import ConfigurationError

    stack, console = _stack(), Console(stderr=True)
    with suppress(ConfigurationError):  # none runs
        run = read_run_file(stack.run_file.parent)
        if any(part.record.address in run.bootstrap for part in stack.status()):
            console.print(f"`precis up` (process {run.pid}) still uses it, and waits until it is up again")
    with console.status(f"stopping, within {stack.longest_stop_s:.0f} s"):
        killed = stack.down()
    for name in killed:
        console.print(f"{name} did not stop in time and was killed")
    console.print("stopped")


def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """State, address, process, data and log of each part. Exit status 3 where not all of them run."""
    stack = _stack()
    parts = stack.status()
    is_up = bool(parts) and all(part.state == "running" for part in parts)
    if as_json:
        sys.stdout.write(f"{json.dumps(_fields(stack, parts, is_up=is_up), indent=2)}\n")
    else:
        _print_table(stack, parts)
    sys.exit(0 if is_up else _NOT_RUNNING)


def _fields(stack: "Stack", parts: "list[PartStatus]", *, is_up: bool) -> dict[str, object]:
    return {
        "running": is_up,
        "run_file": str(stack.run_file) if stack.run_file.exists() else None,
        "parts": [
            {**asdict(part.record), "state": part.state, "pid": part.pid, "problem": part.problem} for part in parts
        ],
    }


def _print_table(stack: "Stack", parts: "list[PartStatus]") -> None:
    console = Console()
    if not parts:
        console.print(f"no stack in {stack.folder}: start one with `precis stack up`", highlight=False)
        return
    for part in parts:
        record = part.record
        state = f"{part.state}, process {part.pid}" if part.pid else part.state
        console.print(f"[bold]{record.name:12}[/] {record.address:16} {state}", highlight=False)
        rows = {"data": record.data, "log": record.log, "problem": part.problem, "note": record.note}
        for what, text in rows.items():
            if text:
                console.print(f"  {what:10} {text}", highlight=False, markup=False, soft_wrap=True)


def _stack() -> "Stack":
    from ops.local_real import Stack
    from ops.settings import load_settings

    return Stack(load_settings().data_dir)
