"""Publish readable postings with a bounded number outstanding, and account for every one of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ops.feed import DeadLettered, JobFeed, Servable, Settled
from ops.ingest.read import Readable, Refused
from ops.settings import Ingest
from schemas.canonical import canonical_json
from schemas.errors import BackendTimeout, PostingTooLarge

__all__ = ["Report", "ingest"]


@dataclass(slots=True)
class Report:
    """What became of the lines.

    Attributes:
        num_published: Records that the broker took.
        refused: Lines that were never published, with reasons.
        states: Servable records by the state of their document.
        dead: Records that went to the dead-letter topic.
        freshness_s: Seconds from event to servable, one for each record that was not overtaken.
    """

    num_published: int = 0
    refused: list[Refused] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    dead: list[tuple[str, DeadLettered]] = field(default_factory=list)
    freshness_s: list[float] = field(default_factory=list)

    @property
    def num_settled(self) -> int:
        """Published records whose fate is known."""
        return self.states.total() + len(self.dead)

    @property
    def num_lost(self) -> int:
        """Published records whose fate is not known."""
        return self.num_published - self.num_settled


async def ingest(
    items: Iterable[Readable | Refused],
    feed: JobFeed,
    limits: Ingest,
    *,
    report: Report,
    on_progress: Callable[[Report], None] = lambda _: None,
) -> None:
    """Publish every readable item and wait until each is servable or dead-lettered.

    Args:
        items: What was read.
        feed: Where to publish.
        limits: How many may be outstanding, and how long nothing may happen.
        report: Filled in as things happen, so that it is true at any time, also when this is cancelled.
        on_progress: Told after each change of the report.

    Raises:
        BackendTimeout: Nothing became servable for ``limits.stall_timeout_s`` although records are outstanding.
        BackendUnavailable: The broker is gone.
    """
    outstanding: dict[asyncio.Future[Settled], tuple[str, int]] = {}
    for item in items:
        if isinstance(item, Refused):
            report.refused.append(item)
        else:
            size = len(canonical_json(item.posting))
            while outstanding and (
                len(outstanding) >= limits.max_outstanding
                or size + sum(held for _, held in outstanding.values()) > limits.max_outstanding_bytes
            ):
                await _settle_some(outstanding, limits, report)
                on_progress(report)
            try:
                outstanding[await feed.upsert(item.job_id, item.posting)] = (item.place, size)
                report.num_published += 1
            except PostingTooLarge as error:
                report.refused.append(Refused(item.place, str(error)))
        on_progress(report)
    while outstanding:
        await _settle_some(outstanding, limits, report)
        on_progress(report)


async def _settle_some(
    outstanding: dict["asyncio.Future[Settled]", tuple[str, int]], limits: Ingest, report: Report
) -> None:
    done, _ = await asyncio.wait(outstanding, timeout=limits.stall_timeout_s, return_when=asyncio.FIRST_COMPLETED)
    if not done:
        places = ", ".join(place for place, _ in list(outstanding.values())[:3])
        raise BackendTimeout(
            f"nothing became servable for {limits.stall_timeout_s:g} s; {len(outstanding)} records are outstanding, "
            f"the first from {places}: is the nearline service running (`/readyz` of its metrics port)?",
            backend="nearline",
            operation="ingest",
        )
    for future in done:
        place, _ = outstanding.pop(future)
        outcome = future.result()
        if isinstance(outcome, Servable):
            report.states[outcome.document.state] += 1
            if outcome.freshness_s is not None:
                report.freshness_s.append(outcome.freshness_s)
        else:
            report.dead.append((place, outcome))
