"""The demo's changes: an edit, a deletion, and a check that no answer is older than the last acknowledged write."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from ops.feed import DeadLettered, JobFeed, Servable, Settled
from ops.ingest.read import Readable
from ops.scorer_client import ScorerClient
from schemas.errors import BackendProtocolError
from schemas.posting import JobId

__all__ = ["count_stale", "show_delete", "show_edit"]

_NUM_STALE_CHECKS = 20


async def show_edit(
    console: Console,
    scorer: ScorerClient,
    feed: JobFeed,
    query: str,
    answer: Mapping[str, Any],
    postings: Mapping[str, dict[str, Any]],
) -> float | None:
    """Rewrite the best result as the worst one's text, and show what that changes.

    Returns:
        Milliseconds from the event to servable.
    """
    results = answer["results"]
    best, worst = results[0], results[-1]
    job_ids = [result["job_id"] for result in results]
    before = _by_id(await asyncio.to_thread(scorer.score, query, job_ids))
    rewritten = {**postings[worst["job_id"]], "identifier": postings[best["job_id"]]["identifier"]}
    servable = _servable(await (await feed.upsert(JobId(best["job_id"]), rewritten)))
    after = _by_id(await asyncio.to_thread(scorer.score, query, job_ids))
    was, now = before[best["job_id"]], after[best["job_id"]]
    kept = sum(after[job_id]["source"] == "cache" for job_id in job_ids)
    milliseconds = None if servable.freshness_s is None else servable.freshness_s * 1000
    console.print(f"[bold]4[/] edit: {best['job_id']} is now {escape(servable.document.header[:70])!r}")
    console.print(f"  servable {milliseconds or 0:.0f} ms after the event")
    console.print(
        f"  score    {_score(was)} ({was['source']}) -> {_score(now)} ({now['source']}); {kept} others cached"
    )
    console.print(f"  rank     {_rank(before, best['job_id'])} -> {_rank(after, best['job_id'])} of {len(job_ids)}")
    console.print(f"  summary  {escape(best['summary'][:90])}")
    console.print(f"        -> {escape(servable.document.summary[:90])}")
    return milliseconds


async def show_delete(
    console: Console, scorer: ScorerClient, feed: JobFeed, query: str, answer: Mapping[str, Any]
) -> None:
    """Delete the second result by a tombstone, and show that it is gone from search and from scoring."""
    job_id = answer["results"][min(1, len(answer["results"]) - 1)]["job_id"]
    _servable(await (await feed.tombstone(JobId(job_id))))
    scored = _by_id(await asyncio.to_thread(scorer.score, query, [job_id]))[job_id]
    found = await asyncio.to_thread(scorer.search, query, limit=100)
    is_found = job_id in {result["job_id"] for result in found["results"]}
    console.print(
        f"  delete: {job_id}: score {_score(scored)} ({scored['reason']}), in search: {'yes' if is_found else 'no'}"
    )


async def count_stale(scorer: ScorerClient, feed: JobFeed, query: str, samples: Sequence[Readable]) -> int:
    """Edit some postings one after the other, each scored right after its write was acknowledged.

    Returns:
        How many answers had another item version than the one just written.
    """
    num_stale = 0
    for item in samples[-_NUM_STALE_CHECKS:]:
        await asyncio.to_thread(scorer.score, query, [item.job_id])  # its old score is cached now
        edited = {**item.posting, "title": f"{item.posting['title']} (updated)"}
        servable = _servable(await (await feed.upsert(item.job_id, edited)))
        result = _by_id(await asyncio.to_thread(scorer.score, query, [item.job_id]))[item.job_id]
        num_stale += result["item_version"] != servable.document.item_version
    return num_stale


def _servable(outcome: Settled) -> Servable:
    if isinstance(outcome, DeadLettered):
        raise BackendProtocolError(f"{outcome.error}: {outcome.message}", backend="nearline", operation="demo edit")
    return outcome


def _by_id(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {result["job_id"]: result for result in answer["results"]}


def _score(result: Mapping[str, Any]) -> str:
    return "none" if result["score"] is None else f"{result['score']:.3f}"


def _rank(results: Mapping[str, Mapping[str, Any]], job_id: str) -> int:
    def key(other: str) -> float:
        score = results[other]["score"]
        return -1.0 if score is None else score

    return 1 + sum(key(other) > key(job_id) for other in results if other != job_id)
