"""`precis ingest`, `precis search`, `precis score`: what a user does with running services."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

__all__ = ["register"]

Lane = Literal["live", "backfill"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel="Use")(ingest)
    app.command(rich_help_panel="Use")(search)
    app.command(rich_help_panel="Use")(score)


def ingest(
    files: Annotated[list[Path], typer.Argument(help="JSONL, JSON or HTML files, gzip too, or directories of them.")],
    *,
    topic: Annotated[
        Lane, typer.Option(help="Lane to publish to: backfill takes only what live updates leave.")
    ] = "live",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Publish postings and wait until each is servable or dead-lettered."""
    from ops.ingest.command import ingest_files
    from ops.settings import load_settings

    sys.exit(asyncio.run(ingest_files(files, load_settings(), lane=topic, as_json=as_json)))


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, max=100, help="Number of results.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scorer's answer as it is.")] = False,
) -> None:
    """Search the ingested postings: candidates by full text, ranked by the model."""
    from ops.results import print_search
    from ops.runfile import require_index, resolve
    from ops.scorer_client import ScorerClient
    from ops.settings import load_settings

    settings = load_settings()
    require_index(settings)
    _, _, url = resolve(settings)
    with ScorerClient(url) as scorer:
        answer = scorer.search(query, limit=limit)
    console = Console()
    console.print_json(data=answer) if as_json else print_search(console, query, answer)


def score(
    query: Annotated[str, typer.Option("--query", "-q", help="What to score for.")],
    job_ids: Annotated[list[str], typer.Argument(help="Ids of the jobs to score.")],
) -> None:
    """Score jobs for a query; prints the scorer's answer as JSON."""
    from ops.runfile import resolve
    from ops.scorer_client import ScorerClient
    from ops.settings import load_settings

    _, _, url = resolve(load_settings())
    with ScorerClient(url) as scorer:
        Console().print_json(data=scorer.score(query, job_ids))
