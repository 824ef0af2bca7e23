"""`precis config`, `precis topics`, `precis store`: what an operator does before the services start."""

import asyncio

import typer
from rich.console import Console

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel="Operation")(config)
    topics = typer.Typer(help="Kafka topics.", no_args_is_help=True)
    topics.command("create")(create_topics)
    topics.callback()(lambda: None)
    app.add_typer(topics, name="topics", rich_help_panel="Operation")
    store = typer.Typer(help="The store.", no_args_is_help=True)
    store.command("init")(init_store)
    store.callback()(lambda: None)
    app.add_typer(store, name="store", rich_help_panel="Operation")


def config() -> None:
    """Print the effective settings as JSON, secrets masked."""
    from ops.settings import load_settings

    Console().print_json(load_settings().model_dump_json())


def create_topics() -> None:
    """Create the topics that are missing; existing ones are left as they are."""
    from ops.services import create_topics as create
    from ops.settings import load_settings

    for name, is_new in asyncio.run(create(load_settings())).items():
        typer.echo(f"{name}: {'created' if is_new else 'exists'}")


def init_store() -> None:
    """Create what the store needs: bucket, scope and collections of Couchbase, or the SQLite file."""
    from ops.services import init_store as init
    from ops.settings import load_settings

    typer.echo(asyncio.run(init(load_settings())))
