"""The `precis` command."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from ops.commands import (
    admin,
    bench,
    chaos,
    client,
    engine,
    key,
    label,
    load,
    local,
    models,
    operate,
    rollout,
    services,
    stack,
)
from schemas.errors import ConfigurationError, PrecisError

__all__ = ["app", "main"]

app = typer.Typer(
    name="precis",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (local, stack, client, services, engine, models, label, admin, key, operate, rollout, chaos, bench, load):
    part.register(app)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"precis {version('precis')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Ranking-ready summaries of a live catalogue, and language-model relevance at search latency."""


def main() -> None:
    """Run the command; an expected error is one message on standard error and an exit status, never a traceback.

    Exit status: 0 done; 1 it failed; 2 wrong usage or settings; 130 stopped by Ctrl-C.
    """
    try:
        app()
    except PrecisError as error:
        console = Console(stderr=True, soft_wrap=True)
        console.print(f"[bold red]error:[/] {type(error).__name__}: ", end="")
        console.print(str(error), markup=False, highlight=False)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
