"""`precis nearline`, `precis scorer`: the two services in the foreground."""

import sys

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel="Services")(nearline)
    app.command(rich_help_panel="Services")(scorer)


def nearline() -> None:
    """Run the nearline service: job updates in, summaries out. Stops cleanly on SIGTERM and Ctrl-C."""
    from ops.services import run_nearline
    from ops.settings import load_settings

    sys.exit(run_nearline(load_settings()))


def scorer() -> None:
    """Run the online scorer (HTTP). Stops cleanly on SIGTERM and Ctrl-C."""
    from ops.services import run_scorer
    from ops.settings import load_settings

    sys.exit(run_scorer(load_settings()))
