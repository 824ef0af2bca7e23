"""`precis load`: open-loop load on the scorer."""

import asyncio
import json
import logging
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    load = typer.Typer(help="Open-loop load on the scorer.", invoke_without_command=True)
    load.callback()(rates)
    app.add_typer(load, name="load", rich_help_panel="Operation")


def rates(  # noqa: PLR0913 - options of a command are its arguments
    context: typer.Context,
    *,
    url: Annotated[str, typer.Option(help="A scorer that runs already; by default one is started.")] = "",
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="Calls a second; by default the highest is sought.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Length of each rate.")] = 90.0,
    postings: Annotated[int, typer.Option(min=200, help="Postings generated and ingested first.")] = 2_000,
    edits: Annotated[float, typer.Option(min=0, help="Changes of postings a second, meanwhile.")] = 2.0,
    insensitive: Annotated[float, typer.Option(min=0, max=1, help="Share of latency-insensitive calls.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 1,
    ingest: Annotated[bool, typer.Option(help="Publish the postings; without, they are there already.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Measure the scorer."""
    from rich.console import Console

    from ops.commands.keep import stop_on_signals
    from ops.load.edits import EditMix
    from ops.load.run import Load, Plan
    from ops.load.site import own_embedded_site, running_site
    from ops.load.traffic import Mix
    from ops.settings import load_settings

    if context.invoked_subcommand:
        return
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    stop_on_signals()
    console = Console(stderr=True)
    settings = load_settings()
    plan = Plan(
        seed=seed,
        num_postings=postings,
        mix=Mix(insensitive_share=insensitive),
        edits=EditMix(rate=edits),
        seconds=seconds,
        is_ingesting=ingest,
    )
    with TemporaryDirectory(prefix="precis-load-") as made, ExitStack() as exits:
        directory = Path(made)
        if url:
            site = running_site(settings, url.rstrip("/"), int(time.time()) % 1_000_000)
        else:
            site = exits.enter_context(own_embedded_site(settings, directory / "data"))
        load = Load(plan, site, directory, lambda step: console.print(step, highlight=False))

        async def work() -> None:
            async with load.prepared(settings.ingest):
                typer.echo(json.dumps(await load.at(rate or 5.0), indent=None if as_json else 1))

        asyncio.run(work())
