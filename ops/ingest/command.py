"""`precis ingest`: read, publish, wait, report."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ops.feed import JobFeed
from ops.ingest.read import Readable, Refused, find_files, read_files
from ops.ingest.run import Report, ingest
from ops.runfile import resolve
from ops.settings import Ingest, Settings
from schemas.statistics import quantile

__all__ = ["ingest_files", "ingest_with_progress", "report_fields"]

_MAX_REASONS = 20


async def ingest_files(
    paths: list[Path], settings: Settings, *, lane: Literal["live", "backfill"] = "live", as_json: bool
) -> int:
    """Ingest the files and say what became of every posting.

    Args:
        paths: Files and directories.
        settings: Where the broker is.
        lane: Whether to publish to the live topic or to that of the backfill.
        as_json: Print one JSON object at the end.

    Returns:
        Exit status: 0 where all were taken in, 3 where some were refused or dead-lettered.

    Raises:
        PrecisError: It could not go on; what was done until then is printed.
    """
    files = find_files(paths)
    bootstrap, _, _ = resolve(settings)
    console, report = Console(stderr=True), Report()
    try:
        topic = settings.topics.updates if lane == "live" else settings.topics.backfill
        async with JobFeed(bootstrap, settings.topics, topic) as feed:
            # Read twice rather than held in memory: the first pass counts, for the progress bar.
            total = sum(1 for _ in read_files(files))
            limits = settings.ingest
            await ingest_with_progress(read_files(files), total, feed, limits, report=report, console=console)
    finally:
        _print_report(console, report)
        if as_json:
            Console().print_json(data=report_fields(report))
    return 3 if report.refused or report.dead else 0


async def ingest_with_progress(
    items: Iterable[Readable | Refused], total: int, feed: JobFeed, limits: Ingest, *, report: Report, console: Console
) -> None:
    """:func:`ops.ingest.run.ingest` of ``total`` items under a progress bar. Raises as that does."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("summarised and servable", total=total)
        await ingest(
            items,
            feed,
            limits,
            report=report,
            on_progress=lambda so_far: progress.update(task, completed=so_far.num_settled + len(so_far.refused)),
        )


def report_fields(report: Report) -> dict[str, object]:
    """The report as one JSON object."""
    return {
        "published": report.num_published,
        "refused": len(report.refused),
        "servable": dict(report.states),
        "dead_lettered": len(report.dead),
        "unaccounted": report.num_lost,
        "freshness_p50_s": quantile(report.freshness_s, 0.5),
        "freshness_p99_s": quantile(report.freshness_s, 0.99),
        "reasons": [f"{refused.place}: {refused.reason}" for refused in report.refused]
        + [f"{place}: dead letter: {dead.error}: {dead.message}" for place, dead in report.dead],
    }


def _print_report(console: Console, report: Report) -> None:
    states = ", ".join(f"{count} {state}" for state, count in sorted(report.states.items())) or "none"
    console.print(f"accepted {report.num_published}: servable {report.states.total()} ({states}), ", end="")
    console.print(f"dead-lettered {len(report.dead)}; refused {len(report.refused)}", highlight=False)
    if report.num_lost:
        console.print(f"[yellow]{report.num_lost} published but not answered yet")
    for refused in report.refused[:_MAX_REASONS]:
        console.print(f"  [red]refused[/] {refused.place}: ", end="")
        console.print(refused.reason, markup=False)
    for place, dead in report.dead[:_MAX_REASONS]:
        console.print(f"  [red]dead letter[/] {place}: ", end="")
        console.print(f"{dead.error}: {dead.message}", markup=False)
    left = max(0, len(report.refused) - _MAX_REASONS) + max(0, len(report.dead) - _MAX_REASONS)
    if left:
        console.print(f"  and {left} more: --json lists all")
