"""The monitor at work: a bounded queue of sampled documents, and one task that scores them.

The task, for each document
    1. Reads the stored posting. It must still be the one that the summary is of.
    2. Chooses queries, and renders both items: header with summary as the scorer reads it, header with body as the
       summarizer does, cut at the bundle's ``limits.body``.
    3. Asks the ranker once a query for both items, and waits between calls (``stream.drift.pace``). The first call that
       fails gives the document up: half of its queries would be another sample.
    4. Adds what was found to the window, and exports what a whole window says.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import structlog

from models.bundle import Bundle
from models.clients.ports import RankerEngine
from models.prompts import RankerPrompt
from schemas.deadline import Deadline
from schemas.documents import PostingDocument, SummaryDocument
from schemas.errors import BackendTimeout, BackendUnavailable, DeadlineExceeded, Overloaded, PromptTooLong
from stream.drift.config import DriftConfig
from stream.drift.divergence import PairScores
from stream.drift.industry import industry_of
from stream.drift.pace import Pace
from stream.drift.reference_file import read_reference, write_reference
from stream.drift.sampling import QueryPool, is_sampled
from stream.drift.telemetry import DriftTelemetry
from stream.drift.windows import Reference, Report, Sample, Windows

__all__ = ["DriftMonitor", "Postings", "Result"]

_MAX_REMEMBERED = 4_096
"""Sampled items that are known when they are published again, as redeliveries and unchanged versions are."""

_log = structlog.get_logger(__name__)


class Postings(Protocol):
    """What is asked of the store."""

    async def get_posting(self, job_id: str) -> PostingDocument | None:
        """See ``PostingStore.get_posting``."""
        ...


class Result(StrEnum):
    """What became of a sampled posting."""

    COMPARED = "compared"
    DROPPED = "dropped"
    """The queue was full."""
    GONE = "gone"
    """The posting was deleted or replaced before its turn."""
    REFUSED = "refused"
    """The engine refused work."""
    LATE = "late"
    """It did not answer in time."""
    AWAY = "away"
    """It, or the store, could not be reached."""
    TOO_LONG = "too_long"
    """It does not read so long a prompt: start it with a longer context."""
    FAILED = "failed"
    """Anything else; the log says what."""


class _Rendered(NamedTuple):
    """A posting, ready to be scored."""

    industry: str
    queries: Sequence[Sequence[int]]
    items: tuple[Sequence[int], Sequence[int]]  # with the summary, with the whole text


class DriftMonitor:
    """Compares samples of what is published. Used from one event loop."""

    def __init__(
        self,
        config: DriftConfig,
        *,
        postings: Postings,
        engine: RankerEngine,
        bundle: Bundle,
        prompt: RankerPrompt,
        telemetry: DriftTelemetry,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put together; nothing runs before :meth:`run`.

        Args:
            config: Settings.
            postings: The store.
            engine: The ranker.
            bundle: The one that it serves.
            prompt: Of that bundle.
            telemetry: Where results and windows are exported.
            sleep: How to wait, in seconds.
            clock: Monotonic seconds.

        Raises:
            ConfigurationError: The reference's file is there and cannot be read.
        """
        self._config = config
        self._postings = postings
        self._engine = engine
        self._labels = bundle.manifest.label_token_ids
        self._prompt = prompt
        self._telemetry = telemetry
        self._sleep = sleep
        self._clock = clock
        self._pool = QueryPool(config.queries)
        self._pace = Pace.per_minute(config.max_pairs_per_minute)
        self._queue: asyncio.Queue[SummaryDocument] = asyncio.Queue(config.queue_size)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._windows = Windows(config.window, config.reference_size, self._pool.identity, self._read_reference())
        self._export(None)

    def offer(self, document: SummaryDocument) -> None:
        """Take a document that was published, if it is in the sample. Returns at once, and raises nothing (D1)."""
        if document.is_deleted:
            return
        item = (document.job_id, document.item_version)
        if not is_sampled(*item, self._config.share) or item in self._known:
            return
        self._known[item] = None
        if len(self._known) > _MAX_REMEMBERED:
            self._known.popitem(last=False)
        try:
            self._queue.put_nowait(document)
        except asyncio.QueueFull:
            self._telemetry.samples.labels(Result.DROPPED).inc()

    async def run(self) -> None:
        """Compare what was taken, one after the other, until cancelled."""
        while True:
            document = await self._queue.get()
            self._telemetry.samples.labels(await self._result_of(document)).inc()
            self._queue.task_done()

    async def drain(self) -> None:
        """Wait until all that was taken has its result; :meth:`run` must be at work."""
        await self._queue.join()

    async def _result_of(self, document: SummaryDocument) -> Result:
        try:
            rendered = await self._rendered(document)  # 1, 2
            if rendered is None:
                return Result.GONE
            self._add(await self._scored(rendered))  # 3, 4
        except Exception as error:  # noqa: BLE001 - whatever fails, records go on (D2)
            result = _result_of(error)
            unplanned = error if result is Result.FAILED else None
            _log.warning("nearline.drift_given_up", result=str(result), error=type(error).__name__, exc_info=unplanned)
            self._pace = self._pace.failed(error.retry_after_s if isinstance(error, Overloaded) else 0.0)
            await self._sleep(self._pace.wait_s)
            return result
        return Result.COMPARED

    async def _rendered(self, document: SummaryDocument) -> _Rendered | None:
        posting = await self._postings.get_posting(document.job_id)
        if posting is None or posting.content_hash != document.content_hash:
            return None
        # In a thread: the body may be a megabyte and the queries many, and the loop is the pipeline's.
        return await asyncio.to_thread(self._render, document, posting)

    def _render(self, document: SummaryDocument, posting: PostingDocument) -> _Rendered:
        header = document.header
        queries = self._pool.choose(document.job_id, header, self._config.queries_per_posting)
        return _Rendered(
            str(industry_of(posting.posting)),
            [self._prompt.query_ids(query) for query in queries],
            (self._prompt.item_ids(header, document.summary), self._prompt.whole_item_ids(header, posting.body)),
        )

    async def _scored(self, rendered: _Rendered) -> Sample:
        pairs: list[PairScores] = []
        revision = ""
        for query_ids in rendered.queries:
            started_s = self._clock()
            scores = await self._engine.score(
                query_ids,
                rendered.items,
                label_token_ids=self._labels,
                deadline=Deadline.after(self._config.timeout_s),
            )
            num_tokens = len(query_ids) + sum(map(len, rendered.items))
            self._pace = self._pace.answered(self._clock() - started_s, num_tokens)
            if scores.revision != revision:  # a posting's pairs are of one ranker
                pairs.clear()
                revision = scores.revision
            pairs.append(PairScores(*scores.values))
            self._telemetry.observe_pair(rendered.industry, pairs[-1])
            await self._sleep(self._pace.wait_s)
        return Sample(rendered.industry, tuple(pairs), revision)

    def _add(self, sample: Sample) -> None:
        report = self._windows.add(sample)
        self._export(report)
        if report is None:
            return
        if report.frozen is not None:
            _log.info("nearline.drift_reference", postings=len(report.frozen.divergences), revision=sample.revision)
            self._write_reference(report.frozen)
            return
        for kind, finding in report.findings.items():
            _log.info(
                "nearline.drift_window",
                kind=str(kind),
                psi=round(finding.statistic, 4),
                threshold=round(finding.threshold, 4),
                is_detected=report.signals[kind].is_raised,
            )

    def _export(self, report: Report | None) -> None:
        self._telemetry.export(report, self._windows.signals, reference=self._windows.reference)

    def _read_reference(self) -> Reference | None:
        path = self._config.reference_file
        reference = read_reference(path) if path else None
        if reference is not None and reference.queries != self._pool.identity:
            _log.warning("nearline.drift_reference_of_other_queries", path=str(path))
            return None
        return reference

    def _write_reference(self, reference: Reference) -> None:
        if (path := self._config.reference_file) is not None:
            try:
                write_reference(path, reference)
            except OSError as error:
                _log.warning("nearline.drift_reference_not_written", path=str(path), reason=str(error))


def _result_of(error: Exception) -> Result:
    match error:
        case Overloaded():
            return Result.REFUSED
        case DeadlineExceeded() | BackendTimeout():
            return Result.LATE
        case BackendUnavailable():
            return Result.AWAY
        case PromptTooLong():
            return Result.TOO_LONG
        case _:
            return Result.FAILED
