"""`precis up`, `precis demo`: the embedded profile; `precis up` also runs on the stack of the profile local-real."""

import sys
from typing import Annotated, Literal

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel="Start here")(demo)
    app.command(rich_help_panel="Start here")(up)


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Exit after the tour instead of staying up.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with what was measured, last.")
    ] = False,
    scale: Annotated[
        Literal["tiny", "small"], typer.Option(help="small: the pretrained ranker of `precis bundle fetch small`.")
    ] = "tiny",
) -> None:
    """Show the product working on sample postings: ingest, rank, edit, delete. Starts from an empty store each time."""
    from ops.demo.tour import run_demo
    from ops.scale import Scale, at_scale, time_needed
    from ops.settings import load_settings

    settings = at_scale(load_settings(), Scale(scale))
    if said := time_needed(Scale(scale)):
        typer.echo(said, err=True)
    sys.exit(run_demo(settings, once=once, as_json=as_json))


def up() -> None:
    """Start engines, nearline service and scorer, and keep them until Ctrl-C.

    Embedded profile: with a broker and a store of their own. Local-real: on those of `precis stack up`.
    """
    from ops.commands.keep import keep_up
    from ops.settings import load_settings

    sys.exit(keep_up(load_settings()))
