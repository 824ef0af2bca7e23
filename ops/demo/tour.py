"""The tour: start, ingest, evaluate, search, edit, delete, stay up. Each step prints and keeps what it measured."""

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from ops.commands.keep import stop_on_signals, watch
from ops.demo.changes import count_stale, show_delete, show_edit
from ops.demo.evaluate import ndcg_at_10, random_ndcg_at_10
from ops.demo.samples import JudgedQuery, read_judged, read_samples
from ops.demo.scores import score_judged
from ops.feed import JobFeed
from ops.ingest.command import ingest_with_progress
from ops.ingest.read import Readable
from ops.ingest.run import Report
from ops.nearline_client import model_calls
from ops.results import search_table
from ops.scorer_client import ScorerClient
from ops.services import open_embedded_store
from ops.settings import Settings
from ops.stack import EmbeddedStack
from schemas.errors import ConfigurationError
from schemas.statistics import quantile

__all__ = ["run_demo"]

_NUM_RESULTS = 8


@dataclass(slots=True)
class Measured:
    """What `precis demo --json` prints; all of it measured in that run."""

    postings: int = 0
    """Sample postings published."""
    summarised: int = 0
    """Of these: in the store with a summary, at the version published or a later one."""
    fresh: int = 0
    """Of these: the summary is the model's."""
    fallback: int = 0
    """Of these: the summary is extractive."""
    model_calls: int = 0
    """Completions that the nearline service asked of the summarizer."""
    lost: int = 0
    """Published, but neither servable nor dead-lettered."""
    stale: int = 0
    """Answers with an item version that was superseded before the question was asked."""
    freshness_p50_s: float | None = None
    freshness_p99_s: float | None = None
    """Event to servable, with `ingest.max_outstanding` updates under way all the time, seconds."""
    ndcg_at_10: float = 0.0
    bm25_ndcg_at_10: float = 0.0
    fallback_ndcg_at_10: float = 0.0
    """Of what the scorer answers while the ranker is away: words of the summaries alone."""
    random_ndcg_at_10: float = 0.0
    edit_to_servable_ms: float | None = None
    """One edit on the idle system."""
    wall_s: float = 0.0


def run_demo(settings: Settings, *, once: bool, as_json: bool) -> int:
    """Run the tour on an embedded stack of its own, with an empty store.

    Args:
        settings: Of the embedded profile; the folder `demo` of its data directory is used, its store made anew.
        once: Exit after the tour; else stay up until Ctrl-C.
        as_json: Print what was measured as one JSON object, as the last line of standard output.

    Returns:
        Exit status: 1 where something was lost or stale, 130 after Ctrl-C within the tour.

    Raises:
        ConfigurationError: The profile is local-real: the demo starts from an empty store and searches.
        PrecisError: A part failed.
    """
    if settings.is_local_real:
        raise ConfigurationError(
            "profile is 'local-real': the demo empties its store and needs full-text search, so it runs on the "
            "embedded profile. Use `precis up`, `precis ingest` and `precis score` here"
        )
    stop_on_signals()
    started_s = time.monotonic()
    console = Console(stderr=as_json)
    settings = _demo_settings(settings, once=once)
    measured = Measured()
    is_touring = True
    try:
        with (
            console.status("starting") as status,
            EmbeddedStack(settings, on_step=status.update, starts_empty=True) as stack,
        ):
            status.stop()
            console.print(
                f"[bold]1[/] running: broker {stack.run.bootstrap}, engines, nearline, scorer {stack.run.scorer_url}"
            )
            asyncio.run(_tour(settings, stack, console, measured))
            measured.wall_s = round(time.monotonic() - started_s, 1)
            is_touring = False
            if not once:
                console.print(f"[bold]5[/] search it yourself: [bold]{stack.run.scorer_url}/[/]   (Ctrl-C stops)")
                watch(stack)
    except KeyboardInterrupt:
        console.print("stopped")
        if is_touring:
            return 130
    if as_json:
        print(json.dumps(asdict(measured)), flush=True)  # noqa: T201 (the machine-readable last line)
    return 1 if measured.lost or measured.stale else 0


def _demo_settings(settings: Settings, *, once: bool) -> Settings:
    data_dir = settings.data_dir / "demo"
    update: dict[str, Any] = {"data_dir": data_dir, "store": settings.store.model_copy(update={"sqlite_path": None})}
    if once:  # beside a running `precis up`: free ports
        update["scorer"] = settings.scorer.model_copy(update={"port": 0, "admin_port": 0})
        update["nearline"] = settings.nearline.model_copy(update={"metrics_port": 0})
    return settings.model_copy(update=update)


async def _tour(settings: Settings, stack: EmbeddedStack, console: Console, measured: Measured) -> None:
    samples, judged = read_samples(), read_judged()
    with ScorerClient(stack.run.scorer_url) as scorer:
        async with JobFeed(stack.run.bootstrap, settings.topics) as feed:
            await _ingest(settings, stack, console, measured, feed, samples)
            await _evaluate(settings, console, measured, scorer, judged)
            query = judged[0].query
            answer = await asyncio.to_thread(scorer.search, query, limit=_NUM_RESULTS)
            console.print(search_table(answer, title=f"3 search {query!r}"))
            postings = {str(item.job_id): item.posting for item in samples}
            measured.edit_to_servable_ms = await show_edit(console, scorer, feed, query, answer, postings)
            await show_delete(console, scorer, feed, query, answer)
            measured.stale = await count_stale(scorer, feed, query, samples)


async def _ingest(
    settings: Settings,
    stack: EmbeddedStack,
    console: Console,
    measured: Measured,
    feed: JobFeed,
    samples: list[Readable],
) -> None:
    report = Report()
    console.print(f"[bold]2[/] publishing {len(samples)} sample postings to {settings.topics.updates}")
    await ingest_with_progress(samples, len(samples), feed, settings.ingest, report=report, console=console)
    store = await open_embedded_store(settings)
    try:
        stored = await store.get_many([item.job_id for item in samples])
    finally:
        await store.close()
    standing = [document for document in stored.values() if not document.is_deleted]
    measured.postings = report.num_published
    measured.summarised = len(standing)
    measured.fresh = sum(document.state == "fresh" for document in standing)
    measured.fallback = sum(document.state == "fallback" for document in standing)
    measured.lost = len(samples) - len(standing) - len(report.dead) - len(report.refused)
    measured.model_calls = model_calls(stack.run.nearline_url)
    measured.freshness_p50_s = quantile(report.freshness_s, 0.5)
    measured.freshness_p99_s = quantile(report.freshness_s, 0.99)
    raw = sum(document.num_tokens.raw for document in standing)
    item = sum(document.num_tokens.item for document in standing)
    console.print(
        f"  {measured.fresh} summarised by the model, {measured.fallback} extractive, {measured.lost} lost; "
        f"{raw / max(1, len(standing)):.0f} -> {item / max(1, len(standing)):.0f} tokens a posting; "
        f"event to servable p50 {measured.freshness_p50_s:.2f} s, p99 {measured.freshness_p99_s:.2f} s "
        f"with {settings.ingest.max_outstanding} outstanding"
    )


async def _evaluate(
    settings: Settings, console: Console, measured: Measured, scorer: ScorerClient, judged: list[JudgedQuery]
) -> None:
    with console.status(f"scoring the candidates of {len(judged)} judged queries"):
        scores = await score_judged(settings, scorer, judged)
    ranked, lexical = scores.ranker, scores.lexical
    measured.ndcg_at_10 = round(ndcg_at_10(judged, lambda query: ranked[query.query_id]), 4)
    measured.bm25_ndcg_at_10 = round(ndcg_at_10(judged, lambda query: lexical[query.query_id]), 4)
    measured.fallback_ndcg_at_10 = round(ndcg_at_10(judged, lambda query: scores.fallback[query.query_id]), 4)
    measured.random_ndcg_at_10 = round(random_ndcg_at_10(judged), 4)
    console.print(
        f"  NDCG@10 on {len(judged)} judged queries: ranker on summaries {measured.ndcg_at_10:.3f}, "
        f"BM25 on full text {measured.bm25_ndcg_at_10:.3f}, the scorer's fallback on summaries "
        f"{measured.fallback_ndcg_at_10:.3f}, random {measured.random_ndcg_at_10:.3f}"
    )
