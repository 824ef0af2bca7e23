"""The end of a segment: wait until all is processed and mended, then read everything there is."""

import asyncio
import time

from ops.chaos.freshness import Finding
from ops.chaos.oracle import EndState, Reader, expected_end
from ops.chaos.report import SegmentReport
from ops.chaos.updates import UpdateLog, read_all
from ops.chaos.verdict import Seen, compare
from ops.chaos.workload import Workload
from ops.settings import Topics
from schemas.documents import State, SummaryDocument
from schemas.errors import BackendError
from store.ports import Store

__all__ = ["Settlement"]

_LOOK_S = 0.25
_SETTLE_LIMIT_S = 150.0
_LANE_LIMIT_S = 12.0
_AT_REST_LIMIT_S = 8.0


class Settlement:
    """Ends one segment. Nothing else is published meanwhile."""

    def __init__(self, workload: Workload, log: UpdateLog, store: Store, reader: Reader, topics: Topics) -> None:
        self._workload = workload
        self._log = log
        self._store = store
        self._reader = reader
        self._topics = topics

    async def run(self, report: SegmentReport) -> None:
        """Wait, mend, compare; findings and figures go to the report."""
        if not await self._is_settled():
            report.note("stuck", f"not every record is committed after {_SETTLE_LIMIT_S:.0f} s")
        await self._mend(report)
        entries = await self._log.entries(self._workload.planned)
        end = expected_end(entries, self._reader)
        findings, seen = await self._compare(end)
        for finding in findings:
            report.note(finding.count, f"{finding.job_id} {finding.detail}")
        report.updates = len(entries)
        report.dead_lettered, report.expected_dead_lettered = len(seen.dead), len(end.dead)

    async def _is_settled(self) -> bool:
        give_up_at_s = time.monotonic() + _SETTLE_LIMIT_S
        while time.monotonic() < give_up_at_s:
            if await self._log.is_through():
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    async def _mend(self, report: SegmentReport) -> None:
        """Fallbacks: the re-summarise lane has some seconds; what it leaves, an edit of the header mends."""
        waiting = await self._fallbacks()
        give_up_at_s = time.monotonic() + _LANE_LIMIT_S
        left = waiting
        while left and time.monotonic() < give_up_at_s:
            await asyncio.sleep(_LOOK_S)
            left = await self._fallbacks()
        report.mended["by_lane"] += len(waiting) - len(left)
        report.mended["by_update"] += len(left)
        if left:
            await self._log.publish([self._workload.touch(job_id) for job_id in left])
            if not await self._is_settled():
                report.note("stuck", "updates that mend fallbacks are not committed")

    async def _fallbacks(self) -> list[str]:
        documents = await self._documents()
        return [job_id for job_id, document in documents.items() if document.state is State.FALLBACK]

    async def _compare(self, end: EndState) -> tuple[list[Finding], Seen]:
        """Compare, once more while only the changelog differs.

        A worker that was given up may still be in step 6 of a record that others finished: it publishes what it holds,
        reads again and publishes what is stored. What it publishes last must be right; in between it may not be.
        """
        give_up_at_s = time.monotonic() + _AT_REST_LIMIT_S
        while True:
            seen = await self._see()
            findings = compare(end, seen)
            is_moving = bool(findings) and {finding.count for finding in findings} == {"changelog_behind"}
            if not is_moving or time.monotonic() > give_up_at_s:
                return findings, seen
            await asyncio.sleep(_LOOK_S)

    async def _see(self) -> Seen:
        documents = await self._documents()
        postings = {job_id: await self._store.get_posting(job_id) for job_id in documents}
        changelog = await read_all(self._log.bootstrap, self._topics.summaries)
        letters = await read_all(self._log.bootstrap, self._topics.dead_letters)
        heads = [dict(letter.headers) for letter in letters]
        ours = [head for head in heads if head["dlq.topic"].decode() == self._topics.updates]
        return Seen(
            documents=documents,
            postings={job_id: posting for job_id, posting in postings.items() if posting is not None},
            changelog=[
                ((record.key or b"").decode(), SummaryDocument.model_validate_json(record.value))
                for record in changelog
                if record.value is not None
            ],
            dead=frozenset((int(head["dlq.partition"]), int(head["dlq.offset"])) for head in ours),
        )

    async def _documents(self) -> dict[str, SummaryDocument]:
        for attempt in range(10):
            try:
                return await self._store.get_many(self._workload.job_ids)
            except BackendError:
                if attempt == 9:  # noqa: PLR2004 - the last one
                    raise
                await asyncio.sleep(1)
        raise AssertionError  # the last attempt returns or raises
