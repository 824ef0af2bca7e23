"""`precis rollout`: bringing every stored summary to a new summarizer, while the old ones serve."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer

__all__ = ["register"]

_PANEL = "Operation"


class Only(StrEnum):
    """Which stored jobs."""

    FALLBACK = "fallback"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    rollout = typer.Typer(help="A new summarizer for everything that is stored, without a gap.", no_args_is_help=True)
    rollout.command("start")(start)
    rollout.command("status")(status)
    rollout.command("pause")(pause)
    rollout.command("resume")(resume)
    app.add_typer(rollout, name="rollout", rich_help_panel=_PANEL)


def start(
    *,
    generation: Annotated[
        int | None,
        typer.Option(min=1, help="Number of the roll-out; the next one by default. The latest: what is behind it."),
    ] = None,
    only: Annotated[Only | None, typer.Option(help="Mend fallbacks, without a new generation.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Ask for every stored job to be summarised anew, in what live updates leave. Cut off, start it again."""
    from ops.rollout.command import mend_fallbacks, start_rollout
    from ops.settings import load_settings

    if only is Only.FALLBACK:
        if generation is not None:
            raise typer.BadParameter("--only fallback starts no generation: leave --generation out")
        _run(mend_fallbacks(load_settings()))
    _run(start_rollout(load_settings(), generation=generation, is_confirmed=yes))


def status(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again every two seconds until Ctrl-C.")] = False,
    count: Annotated[
        bool, typer.Option("--count", help="Count documents even where that reads the changelog.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Tell how far the roll-out is: requested, done, remaining, rate, time left; and documents by state."""
    from ops.rollout.command import show_status, watch_status
    from ops.settings import load_settings

    if watch:
        _run(watch_status(load_settings(), as_json=as_json))
    _run(show_status(load_settings(), as_json=as_json, with_counts=count))


def pause() -> None:
    """Let the re-summarise lane take nothing, fallbacks to mend included, until it is resumed."""
    from ops.rollout.command import set_phase
    from ops.settings import load_settings
    from schemas.rollout import RolloutPhase

    _run(set_phase(load_settings(), RolloutPhase.PAUSED))


def resume() -> None:
    """Let it go on."""
    from ops.rollout.command import set_phase
    from ops.settings import load_settings
    from schemas.rollout import RolloutPhase

    _run(set_phase(load_settings(), RolloutPhase.RUNNING))


def _run(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run to the end and exit with its status; what the client library logs of a broker that is away is our error."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    sys.exit(asyncio.run(work))
