"""`precis chaos`: faults against running services, and whether anything was lost."""

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operate")(chaos)


def chaos(
    *,
    profile: Annotated[
        str, typer.Option(help="embedded, or local-real: Apache Kafka and the KV stand-in.")
    ] = "embedded",
    faults: Annotated[int, typer.Option(min=1, help="How many faults; every kind equally often.")] = 30,
    seed: Annotated[int, typer.Option(help="Of updates, faults and times.")] = 1,
    mutant: Annotated[str, typer.Option(help="Break this step, and see that it is noticed.")] = "",
    resume: Annotated[
        Path | None, typer.Option(help="Journal of finished segments: what stands in it is not run again.")
    ] = None,
    segment_faults: Annotated[int, typer.Option(min=1, help="Faults a segment, each on a fresh world.")] = 25,
    kind: Annotated[list[str] | None, typer.Option(help="Only faults of this kind; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Inject faults while updates stream, and check that nothing is lost, stale or out of order. Exit 1 where it is.

    With --mutant the run passes where the broken step was noticed.
    """
    from ops.chaos.mutants import Mutant
    from ops.chaos.report import is_passed
    from ops.chaos.runner import RunPlan, run_chaos, say_on_stderr
    from ops.commands.keep import stop_on_signals
    from ops.settings import load_settings
    from schemas.errors import ConfigurationError

    if mutant and mutant not in list(Mutant):
        raise ConfigurationError(f"mutant is {mutant!r}: choose one of {', '.join(Mutant)}")
    plan = RunPlan(
        profile=profile,
        num_faults=faults,
        seed=seed,
        mutant=Mutant(mutant) if mutant else None,
        journal=resume,
        segment_size=segment_faults,
        kinds=tuple(kind or ()),
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is the point, not news
    stop_on_signals()
    result = asyncio.run(run_chaos(plan, load_settings(), say=say_on_stderr))
    details = result.pop("details")
    for detail in details:
        say_on_stderr(detail)
    typer.echo(json.dumps(result) if as_json else json.dumps(result, indent=2))
    sys.exit(0 if is_passed(result) else 1)
