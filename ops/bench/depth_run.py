"""Measures what depth costs, on an embedded stack of its own with the shipped samples in it."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from ops.bench.depth import ndcg_by_depth, retrieved
from ops.demo.evaluate import random_ndcg_at_10
from ops.demo.samples import JudgedQuery, read_judged, read_samples
from ops.demo.scores import JudgedScores, score_judged
from ops.feed import JobFeed
from ops.ingest.command import ingest_with_progress
from ops.ingest.run import Report
from ops.scorer_client import ScorerClient
from ops.settings import Settings
from ops.stack import EmbeddedStack
from schemas.errors import ConfigurationError

__all__ = ["bench_depth"]


def bench_depth(settings: Settings, *, on_step: Callable[[str], None]) -> dict[str, Any]:
    """Ingest the samples, score every judged candidate, and compute each share's NDCG@10 from that.

    Args:
        settings: Of the embedded profile; data go to a folder that is removed at the end.
        on_step: Told what happens.

    Returns:
        What was measured, for ``--json``.

    Raises:
        ConfigurationError: The profile is local-real: the caller's order is that of the embedded store's index.
        PrecisError: A part failed.
    """
    if settings.is_local_real:
        raise ConfigurationError("profile is 'local-real': this bench needs full-text search, so it runs on 'embedded'")
    judged = read_judged()
    with tempfile.TemporaryDirectory(prefix="precis-depth-") as folder:
        settings = _on_its_own(settings, Path(folder))
        with EmbeddedStack(settings, on_step=on_step, starts_empty=True) as stack:
            scores = asyncio.run(_score(settings, stack, judged, on_step))
            with ScorerClient(stack.run.scorer_url) as scorer:
                revision = scorer.score(judged[0].query, list(judged[0].grades))["versions"]["ranker_revision"]
    by_words, at_random = retrieved(judged, scores.lexical), retrieved(judged, {})
    return {
        "num_queries": len(judged),
        "num_candidates": sum(len(query.grades) for query in judged) / len(judged),
        "num_unscored": sum(len(query.grades) - len(scores.ranker[query.query_id]) for query in judged),
        "random_ndcg_at_10": round(random_ndcg_at_10(judged), 4),
        "ranker_revision": revision,
        "judged_sha256": hashlib.sha256(repr(judged).encode()).hexdigest()[:12],
        "rows": [asdict(row) for row in ndcg_by_depth(judged, scores.ranker, by_words)],
        "rows_random_order": [asdict(row) for row in ndcg_by_depth(judged, scores.ranker, at_random)],
    }


def _on_its_own(settings: Settings, folder: Path) -> Settings:
    update: dict[str, Any] = {
        "data_dir": folder,
        "store": settings.store.model_copy(update={"sqlite_path": None}),
        "scorer": settings.scorer.model_copy(update={"port": 0}),
        "nearline": settings.nearline.model_copy(update={"metrics_port": 0}),
    }
    return settings.model_copy(update=update)


async def _score(
    settings: Settings, stack: EmbeddedStack, judged: list[JudgedQuery], on_step: Callable[[str], None]
) -> JudgedScores:
    samples = read_samples()
    on_step(f"summarising {len(samples)} sample postings")
    async with JobFeed(stack.run.bootstrap, settings.topics) as feed:
        console = Console(stderr=True, quiet=True)
        await ingest_with_progress(samples, len(samples), feed, settings.ingest, report=Report(), console=console)
    on_step(f"scoring the candidates of {len(judged)} judged queries")
    with ScorerClient(stack.run.scorer_url) as scorer:
        return await score_judged(settings, scorer, judged)
