"""`precis key`: API keys of the scorer."""

from typing import Annotated

import typer
from rich.console import Console

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    key = typer.Typer(help="API keys of the scorer.", no_args_is_help=True)
    key.command("new")(new)
    key.callback()(lambda: None)
    app.add_typer(key, name="key", rich_help_panel="Operation")


def new(
    name: Annotated[str, typer.Argument(help="Who will use it: stands in log lines and metrics.")],
    tokens_per_s: Annotated[float | None, typer.Option(help="Tokens of the ranker that it may spend a second.")] = None,
    burst: Annotated[float | None, typer.Option(help="Tokens that it may spend at once after a pause.")] = None,
    *,
    admin: Annotated[bool, typer.Option("--admin", help="It may make the calls of the admin port.")] = False,
) -> None:
    """Print a new key on standard output, once, and its entry for the file `scorer.access.file` on standard error.

    Only the entry, which does not hold the key, is kept anywhere.
    """
    from pydantic import ValidationError

    from schemas.errors import ConfigurationError
    from serve.access.keys import ApiKey, digest_of, new_key

    key = new_key()
    try:
        entry = ApiKey(name=name, sha256=digest_of(key), tokens_per_s=tokens_per_s, burst=burst, is_admin=admin)
    except ValidationError as error:
        raise ConfigurationError(
            "; ".join(f"{'.'.join(map(str, item['loc'])) or 'key'}: {item['msg']}" for item in error.errors())
        ) from error
    lines = ["[[keys]]", f'name = "{entry.name}"', f'sha256 = "{entry.sha256}"']
    lines += [f"tokens_per_s = {entry.tokens_per_s:g}"] if entry.tokens_per_s is not None else []
    lines += [f"burst = {entry.burst:g}"] if entry.burst is not None else []
    lines += ["is_admin = true"] if entry.is_admin else []
    Console(stderr=True, soft_wrap=True).print("\n".join(lines), markup=False, highlight=False)
    typer.echo(key)
