"""What becomes of the records of job updates, errors included.

A record is finished when it is processed, superseded by one that is, or dead-lettered, durably.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from schemas.errors import BackendError, InvalidInput
from schemas.events import decode_update, event_age_s
from store.ports import StoredSummary
from stream.attempts import Attempts
from stream.coalesce import Candidate, candidates_of, group_of, representative
from stream.deadletter import origin_of
from stream.decide import Outcome
from stream.process import Processed, Processor
from stream.source import Record
from stream.telemetry import Telemetry, exemplar

__all__ = ["RecordHandler"]


class RecordHandler:
    """Processes records. May be called concurrently for records of different keys."""

    def __init__(
        self,
        processor: Processor,
        attempts: Attempts,
        *,
        stored: Callable[[str], Awaitable[StoredSummary | None]],
        log_id: str,
        telemetry: Telemetry,
        lane: str = "live",
        is_backfill: bool = False,
    ) -> None:
        """Put together.

        Args:
            processor: Applies an update.
            attempts: What is done about errors.
            stored: Reads the stored document of a job, for coalescing (``SummaryStore.get``).
            log_id: Identity of the log that the records stand in.
            telemetry: Where outcomes and freshness are counted.
            lane: Name of the lane, as the metrics have it.
            is_backfill: Whether the records come by the backfill topic.
        """
        self._processor = processor
        self._attempts = attempts
        self._stored = stored
        self._log_id = log_id
        self._telemetry = telemetry
        self._lane = lane
        self._is_backfill = is_backfill
        self._log = structlog.get_logger(__name__)

    async def handle(self, record: Record) -> None:
        """Finish one record.

        Raises:
            Overloaded: It is not finished; stop pulling for ``retry_after_s``, then call again with the same record.
            Exception: Not even the dead letter could be published, and not because the broker is away: stop the worker.
        """
        await self._settle(record)

    async def handle_group(self, records: Sequence[Record]) -> Sequence[Record]:
        """Finish what one model call can finish of the records that are queued of a key.

        1. Take the group at the front (``stream.coalesce``); a record that must stand alone is one by itself.
        2. Process the one that stands for it.
        3. Only then, and only where it was not dead-lettered, the others are finished with it.

        Args:
            records: In order of delivery, at least one.

        Returns:
            Those that are finished, at least one.

        Raises:
            Overloaded: None is finished; stop pulling for ``retry_after_s``, then call again.
            Exception: As :meth:`handle`.
        """
        group = await self._group(records)  # 1
        if not group:
            await self._settle(records[0])
            return records[:1]
        chosen = representative(group)
        processed = await self._settle(chosen.record)  # 2
        if processed is None:
            return [chosen.record]  # the others are tried without it
        for member in group:  # 3
            if member is not chosen:
                self._note_superseded(member, chosen, processed)
        return [member.record for member in group]

    async def _group(self, records: Sequence[Record]) -> list[Candidate]:
        """The group at the front; empty where the first record stands alone."""
        candidates = candidates_of(records) if len(records) > 1 else []
        if len(candidates) <= 1:
            return []
        try:
            stored = await self._stored(candidates[0].update.job_id)
        except BackendError:
            return []  # the first record meets the same outage, and waits it out
        return group_of(candidates, stored.document if stored else None)

    async def _settle(self, record: Record) -> Processed | None:
        """Process the record. None where it was dead-lettered."""
        done: list[Processed] = []

        async def work() -> None:
            update = decode_update(record.key, record.value)
            origin = origin_of(record, self._log_id)
            done.append(await self._processor.process(update, origin, is_backfill=self._is_backfill))

        error = await self._attempts.settle(record, work)
        if error is not None:
            self._note_dead_lettered(record, error)
            return None
        (processed,) = done
        self._note_processed(record, processed)
        return processed

    def _note_processed(self, record: Record, processed: Processed) -> None:
        written = processed.written
        self._telemetry.outcomes.labels(str(processed.outcome)).inc()
        age_s = None
        if written is not None and written.event_time is not None:
            age_s = event_age_s(written.event_time, written.summarized_at)
            self._observe_age(age_s, record)
        self._log.info(
            "nearline.record",
            at=record.place,
            lane=self._lane,
            outcome=str(processed.outcome),
            job_id=_job_id(record),
            version=written.source_version if written else None,
            rev=written.rev if written else None,
            age_s=round(age_s, 3) if age_s is not None else None,
        )

    def _note_superseded(self, member: Candidate, chosen: Candidate, processed: Processed) -> None:
        self._telemetry.outcomes.labels(str(Outcome.SUPERSEDED)).inc()
        self._telemetry.calls_saved.labels(str(Outcome.SUPERSEDED)).inc()
        age_s = None
        if processed.written is not None:  # from then on something newer than this update is servable
            age_s = event_age_s(member.update.event_time, processed.written.summarized_at)
            self._observe_age(age_s, member.record)
        self._log.info(
            "nearline.record",
            at=member.record.place,
            lane=self._lane,
            outcome=str(Outcome.SUPERSEDED),
            job_id=member.update.job_id,
            version=member.update.version,
            by=chosen.record.place,
            age_s=round(age_s, 3) if age_s is not None else None,
        )

    def _note_dead_lettered(self, record: Record, error: Exception) -> None:
        self._telemetry.outcomes.labels(str(Outcome.DEAD_LETTERED)).inc()
        # The message may quote the document; it stands in the dead letter's headers, not in the log.
        is_planned = isinstance(error, InvalidInput)
        self._log.warning(
            "nearline.record",
            at=record.place,
            lane=self._lane,
            outcome=str(Outcome.DEAD_LETTERED),
            error=type(error).__name__,
            field=error.field if isinstance(error, InvalidInput) else None,
            exc_info=None if is_planned else error,
        )

    def _observe_age(self, age_s: float, record: Record) -> None:
        labels = exemplar(job_id=_job_id(record), at=record.place)
        self._telemetry.event_age.labels(self._lane).observe(age_s, labels)


def _job_id(record: Record) -> str:
    return (record.key or b"").decode("utf-8", "replace")
