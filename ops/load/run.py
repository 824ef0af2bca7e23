"""A whole run: catalogue, edits, and load at one rate after the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.feed import JobFeed
from ops.ingest.read import Readable
from ops.ingest.run import Report, ingest
from ops.load.arrivals import POISSON, Shape
from ops.load.edits import Changelog, EditMix, Edits
from ops.load.sending import send
from ops.load.site import Site
from ops.load.stale import History, Judge
from ops.load.summary import figures
from ops.load.traffic import Catalogue, Mix, Traffic
from ops.settings import Ingest
from schemas.posting import JobId

__all__ = ["Load", "Plan"]

_CHANGELOG_MARGIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """How much.

    Attributes:
        seed: Of all that is drawn.
        num_postings: Size of the catalogue.
        mix: What calls are like.
        edits: How the catalogue changes meanwhile.
        seconds: Length of each rate.
        is_ingesting: Whether the catalogue is published first.
    """

    seed: int = 1
    num_postings: int = 2_000
    mix: Mix = field(default_factory=Mix)
    edits: EditMix = field(default_factory=EditMix)
    seconds: float = 90.0
    is_ingesting: bool = True


class Load:
    """Load on one site. Made by :meth:`on`."""

    def __init__(self, plan: Plan, site: Site, directory: Path, say: Callable[[str], None]) -> None:
        self.plan = plan
        self.site = site
        self.history = History()
        self.edit_counts: dict[str, int] = {}
        catalogue = Catalogue(plan.seed, plan.num_postings)
        self._traffic = Traffic(catalogue, plan.mix, plan.seed, site.salt)
        self._directory = directory
        self._say = say
        self._query_set = 0
        self._exits = AsyncExitStack()

    @asynccontextmanager
    async def prepared(self, ingest_limits: Ingest) -> AsyncIterator[None]:
        """Publish the catalogue, then let edits stream until the block ends."""
        plan, site = self.plan, self.site
        async with AsyncExitStack() as exits:
            if site.bootstrap:
                await exits.enter_async_context(Changelog(site.bootstrap, site.topics, self.history))
                feed = await exits.enter_async_context(JobFeed(site.bootstrap, site.topics))
                if plan.is_ingesting:
                    await self._ingest(feed, ingest_limits)
                if plan.edits.rate > 0:
                    edits = Edits(feed, self._traffic.catalogue, plan.edits)
                    self.edit_counts = edits.counts
                    task = asyncio.create_task(edits.stream())
                    exits.push_async_callback(_end, task)
            yield

    async def at(self, rate: float, *, seconds: float | None = None, shape: Shape = POISSON) -> dict[str, Any]:
        """Load at a rate, with queries that no cache has seen.

        Raises:
            BackendUnavailable: The generator failed.
        """
        self._query_set += 1
        seconds = self.plan.seconds if seconds is None else seconds
        self._say(f"{rate:.2f} calls/s for {seconds:g} s")
        calls = self._traffic.calls(self._query_set, rate, seconds, shape)
        judge = Judge(self.history)
        run = await send(self.site.scorer_url, calls, self._directory, judge)
        mix = self.plan.mix
        found = figures(
            run.outcomes, seconds=seconds, deadline_s=mix.deadline_ms / 1e3, num_candidates=mix.num_candidates
        )
        wall_s = run.cost.ended_s - run.cost.started_s
        return {
            "rate_per_s": round(rate, 3),
            "seconds": seconds,
            **found,
            "stale": len(judge.stale),
            "stale_examples": judge.stale[:5],
            "results_judged": judge.num_judged,
            "results_of_unknown_version": judge.num_unknown,
            "generator_cpu_share": round(run.cost.cpu_s / wall_s, 4),
            "generator_cpu_ms_per_call": round(run.cost.cpu_s / max(1, len(run.outcomes)) * 1e3, 3),
        }

    async def _ingest(self, feed: JobFeed, limits: Ingest) -> None:
        self._say(f"publishing {self.plan.num_postings} postings")
        report = Report()
        items = [
            Readable(f"load:{number}", JobId(posting.job_id), posting.posting)
            for number, posting in enumerate(self._traffic.catalogue.postings, start=1)
        ]
        await ingest(items, feed, limits, report=report)
        self._say(f"servable: {dict(report.states)}, dead letters {len(report.dead)}")


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
