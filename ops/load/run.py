"""Load on one site: its catalogue, edits that stream, and calls at any rate."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.feed import JobFeed
from ops.ingest.read import Readable
from ops.ingest.run import Report, ingest
from ops.load.arrivals import POISSON, Shape
from ops.load.edits import Changelog, EditMix, Edits
from ops.load.processes import Usage, cores_used
from ops.load.sending import Run, send
from ops.load.site import Site
from ops.load.stale import History, Judge
from ops.load.summary import figures
from ops.load.traffic import Catalogue, Mix, Traffic
from schemas.posting import JobId

__all__ = ["Load", "Plan", "stale_figures"]

_LOOK_S = 0.5
_SHOWN_STALE = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, and of what.

    Attributes:
        seed: Of all that is drawn.
        num_postings: Size of the catalogue.
        mix: What calls are like.
        edits: How the catalogue changes meanwhile.
        is_ingesting: Whether the catalogue is published first.
    """

    seed: int = 1
    num_postings: int = 2_000
    mix: Mix = field(default_factory=Mix)
    edits: EditMix = field(default_factory=EditMix)
    is_ingesting: bool = True


class Load:
    """Load on one site.

    Attributes:
        plan: What is asked.
        site: Of what.
        is_watching: Whether parts that ended are started again, or end the run; off while a drill ends them.
        ingested: Postings by what became of them.
        edits: Changes by kind.
    """

    def __init__(self, plan: Plan, site: Site, directory: Path, say: Callable[[str], None]) -> None:
        """Put together.

        Args:
            plan: What is asked.
            site: Of what.
            directory: For files of the generator.
            say: Told what is being done.
        """
        self.plan = plan
        self.site = site
        self.is_watching = True
        self.ingested: Mapping[str, int] = {}
        self.edits: Mapping[str, int] = {}
        self._traffic = Traffic(Catalogue(plan.seed, plan.num_postings), plan.mix, plan.seed, site.salt)
        self._history = History()
        self._directory = directory
        self._say = say
        self._query_set = 0
        self._background: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        """Publish the catalogue, then let edits stream until the block ends.

        Raises:
            PrecisError: The broker cannot be used, or nothing becomes servable.
        """
        plan, site = self.plan, self.site
        async with AsyncExitStack() as exits:
            exits.push_async_callback(self._end_background)
            self._background.append(asyncio.create_task(self._watch()))
            if site.bootstrap:
                changelog = Changelog(site.bootstrap, site.topics, self._history)
                await exits.enter_async_context(changelog)
                self._background.append(changelog.reading)
                feed = await exits.enter_async_context(JobFeed(site.bootstrap, site.topics))
                if plan.is_ingesting:
                    await self._ingest(feed)
                if plan.edits.rate > 0:
                    edits = Edits(feed, self._traffic.catalogue, plan.edits)
                    self.edits = edits.counts
                    self._background.append(asyncio.create_task(edits.stream()))
            yield

    async def at(
        self, rate: float, seconds: float, *, shape: Shape = POISSON, until: asyncio.Event | None = None
    ) -> dict[str, Any]:
        """Load at a rate, with queries that no cache has seen: what it came to.

        Args:
            rate: Mean rate, calls a second.
            seconds: How long.
            shape: How the rate changes.
            until: Once it is set, no more calls are sent; None: until the time is over.

        Raises:
            PrecisError: The generator failed, or a part of the site has ended.
        """
        looks: list[tuple[float, Mapping[str, Usage]]] = []

        def look() -> None:
            looks.append((time.monotonic(), self.site.usages()))

        run, judge = await self.calls_at(rate, seconds, shape=shape, until=until, look=look)
        (began_s, before), (ended_s, after) = looks
        mix = self.plan.mix
        found = figures(
            run.outcomes, seconds=seconds, deadline_s=mix.deadline_ms / 1e3, num_candidates=mix.num_candidates
        )
        wall_s = run.cost.ended_s - run.cost.started_s
        return {
            "rate_per_s": round(rate, 3),
            "seconds": seconds,
            **found,
            **stale_figures(judge),
            "cpu_cores": cores_used(before, after, ended_s - began_s)
            | {"generator": round(run.cost.cpu_s / wall_s, 3)},
            "generator_cpu_ms_per_call": round(run.cost.cpu_s / max(1, len(run.outcomes)) * 1e3, 3),
        }

    async def calls_at(
        self,
        rate: float,
        seconds: float,
        *,
        shape: Shape = POISSON,
        until: asyncio.Event | None = None,
        look: Callable[[], None] = lambda: None,
    ) -> tuple[Run, Judge]:
        """As :meth:`at`, but the calls themselves.

        Args:
            rate: Mean rate, calls a second.
            seconds: How long.
            shape: How the rate changes.
            until: Once it is set, no more calls are sent; None: until the time is over.
            look: Called when the first call is about to be sent, and when the last answer is there.
        """
        self._query_set += 1
        self._say(f"{rate:.2f} calls/s for {seconds:g} s")
        calls = self._traffic.calls(self._query_set, rate, seconds, shape)
        judge = Judge(self._history, self.plan.mix.allowed_lag_s)
        run = await send(self.site.scorer_url, calls, self._directory, judge, until=until, on_begin=look, on_end=look)
        for task in self._background:
            if task.done():
                task.result()
        return run, judge

    async def _ingest(self, feed: JobFeed) -> None:
        self._say(f"publishing {self.plan.num_postings} postings")
        report = Report()
        items = [
            Readable(f"load:{number}", JobId(posting.job_id), posting.posting)
            for number, posting in enumerate(self._traffic.catalogue.postings, start=1)
        ]
        await ingest(items, feed, self.site.settings.ingest, report=report)
        self.ingested = {**report.states, "dead_lettered": len(report.dead), "refused": len(report.refused)}

    async def _watch(self) -> None:
        while self.site.stack is not None:
            if self.is_watching:
                self.site.stack.check()
            await asyncio.sleep(_LOOK_S)

    async def _end_background(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)


def stale_figures(judge: Judge) -> dict[str, Any]:
    """What the judge found."""
    return {
        "stale": len(judge.stale),
        "stale_examples": judge.stale[:_SHOWN_STALE],
        "results_judged": judge.num_judged,
        "results_of_unknown_version": judge.num_unknown,
    }
