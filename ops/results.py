"""Search results as a table that a person likes to read."""

from collections.abc import Mapping
from textwrap import shorten
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["print_search", "search_table"]

_SOURCE_STYLES = {"model": "green", "cache": "cyan"}
_SUMMARY_CHARS = 100


def search_table(answer: Mapping[str, Any], *, title: str | None = None) -> Table:
    """A table of the results of ``/v1/search``: rank, score, title, place, summary, source."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, padding=(0, 1))
    table.add_column("#", justify="right", style="dim")
    table.add_column("score", justify="right")
    table.add_column("title", style="bold", ratio=3, min_width=16)
    table.add_column("place", ratio=2, min_width=8)
    table.add_column("summary", ratio=5, min_width=20)
    table.add_column("source", no_wrap=True)
    for result in answer["results"]:
        score = "-" if result["score"] is None else f"{result['score']:.3f}"
        source = result["source"]
        table.add_row(
            str(result["rank"]),
            score,
            escape(result["title"]),
            escape(result["place"]),
            escape(shorten(result["summary"], _SUMMARY_CHARS, placeholder=" …")),
            f"[{_SOURCE_STYLES.get(source, 'yellow')}]{escape(result['reason'] or source)}",
        )
    return table


def print_search(console: Console, query: str, answer: Mapping[str, Any]) -> None:
    """Print the results, or that there are none."""
    if not answer["results"]:
        console.print(f"no posting holds a word of {query!r}")
        return
    console.print(search_table(answer))
    versions = answer["versions"]
    console.print(
        f"[dim]{answer['num_candidates']} candidates by words, {answer['depth_served']} scored, "
        f"{answer['wall_ms']:.0f} ms, ranker {versions['ranker_revision']}"
    )
