"""The Kafka side: a faust worker that delivers records to lanes and commits what is finished.

Faust delivers, rebalances and stops; what may be committed is decided here alone. Its own acknowledgements are not
used (``acks=False``): faust commits up to the first hole without knowing what is in flight, forgets acknowledged
offsets when partitions are revoked, and waits without limit when it stops.

Protocol
    1. Pull: wait for room (:meth:`Lanes.admit`), then check that the record is still ours; one in hand across a
       rebalance is dropped, for it is delivered again.
    2. Register its offset in the progress of its partition; append it to its key's lane.
    3. The lane runs the handler; ``Overloaded`` pauses pulling and runs the same record again.
    4. Finished: while the head of the partition's open records is finished, the committable offset moves.
    5. Every ``commit_interval_s`` commit what moved; one commit at a time.
    6. Revoked: start nothing new, wait ``revoke_timeout_s`` for what runs, commit, drop all progress.
    7. SIGTERM: the same with ``stop_timeout_s``, then faust stops; a timer ends the process if faust hangs (it does
       with the broker away). What was unfinished stays uncommitted and comes back.
    8. Anything unplanned: ``die``; a supervisor restarts the process.
"""

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import faust
import structlog
from faust.types import TP

from stream.config import NearlineConfig
from stream.health import Health
from stream.lanes import Lanes
from stream.progress import PartitionProgress
from stream.source import Record
from stream.telemetry import Telemetry
from stream.transport import make_transport

__all__ = ["EXIT_FAIL_STOP", "NearlineWorker"]

EXIT_FAIL_STOP = 70
"""Exit code of a fail-stop (EX_SOFTWARE): nothing of what was unfinished is committed; start again."""

_LAST_COMMIT_S = 5.0
_FAUST_STOP_S = 10.0
_LAST_SECOND_S = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_READ_AHEAD = 64
"""Records faust buffers beyond those in the lanes; its default of 4,096 postings would be tens of megabytes."""


class NearlineWorker:
    """One member of the consumer group. Make it, then await :meth:`run` once."""

    def __init__(
        self,
        config: NearlineConfig,
        handle: Callable[[Record], Awaitable[None]],
        *,
        telemetry: Telemetry,
        health: Health,
        exit_now: Callable[[int], None],
    ) -> None:
        """Put together.

        Args:
            config: Addresses, limits and times.
            handle: Finishes one record (``RecordHandler.handle``).
            telemetry: Gauges of progress.
            health: Told of assignments and of the beat of the commit loop.
            exit_now: Ends the process at once with a code, without clean-up (``os._exit``).
        """
        self._config = config
        self._telemetry = telemetry
        self._health = health
        self._exit_now = exit_now
        self._log = structlog.get_logger(__name__)
        self._progress: dict[TP, PartitionProgress] = {}
        self._commit_lock = asyncio.Lock()
        self._is_stopping = False
        self._idle_since_s = time.monotonic()
        self._lanes = Lanes(
            handle,
            max_in_flight=config.max_in_flight,
            window=config.window,
            die=self._die,
            on_pause=self._note_pause,
        )
        telemetry.window.set(config.window)
        telemetry.in_flight.set_function(lambda: self._lanes.num_at_work)
        telemetry.uncommitted.set_function(lambda: sum(part.num_open for part in list(self._progress.values())))
        telemetry.commit_age.set_function(lambda: time.monotonic() - self._idle_since_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set, then finish what runs and leave the group.

        A broker that goes away is waited for. A crash of faust ends the process: see ``exit_now``.
        """
        with tempfile.TemporaryDirectory(prefix="precis-nearline-", ignore_cleanup_errors=True) as datadir:
            app = self._build_app(datadir)
            app.finalize()
            try:
                await app.start()
                await self._watch(app, stop)
            finally:
                self._is_stopping = True
                await self._stop(app)

    async def _watch(self, app: faust.App, stop: asyncio.Event) -> None:
        """Commit until ``stop`` is set; what ends before that ends the process."""
        stopped = asyncio.create_task(stop.wait())
        crashed = asyncio.create_task(app.wait_until_stopped())
        committing = asyncio.create_task(self._commit_regularly(app))
        try:
            await asyncio.wait({stopped, crashed, committing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(stopped, crashed, committing)
        if not committing.cancelled() and (error := committing.exception()):
            self._die(error)  # 8
        if app.crash_reason is not None:
            self._die(app.crash_reason)  # 8: not stopped in order, for faust may hang

    async def _stop(self, app: faust.App) -> None:
        self._health.is_assigned = False
        # From SIGTERM on, whatever hangs has this long; all that can be committed is committed by then.
        limit_s = self._config.stop_timeout_s + _LAST_COMMIT_S + _FAUST_STOP_S
        timer = threading.Timer(limit_s, self._exit_now, (0,))
        timer.daemon = True
        timer.start()
        try:
            await app.stop()
        finally:
            timer.cancel()

    def _build_app(self, datadir: str) -> faust.App:
        config = self._config
        app = faust.App(
            config.group_id,
            broker=[f"kafka://{server.strip()}" for server in config.bootstrap_servers.split(",")],
            store="memory://",
            datadir=datadir,
            autodiscover=False,
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            table_standby_replicas=0,
            consumer_auto_offset_reset="earliest",
            stream_buffer_maxsize=_READ_AHEAD,
            stream_wait_empty=False,  # drain() waits, with a limit
            broker_session_timeout=config.session_timeout_s,
            broker_heartbeat_interval=config.session_timeout_s / 6,
            broker_rebalance_timeout=config.rebalance_timeout_s,
            broker_request_timeout=max(90.0, 2 * config.session_timeout_s),  # faust: not below the session's
            broker_check_crcs=True,
        )
        app.transport = make_transport(app, fetch_wait_s=config.fetch_wait_s)
        source = app.topic(
            config.topics.updates,
            acks=False,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )

        @app.agent(source)
        async def consume(stream: Any) -> None:
            await self._consume(app, stream)

        self._connect_signals(app)
        return app

    def _connect_signals(self, app: faust.App) -> None:
        async def assigned(_: Any, /, *args: Any, **fields: Any) -> None:
            del fields
            self._health.is_assigned = True
            partitions = sorted(f"{tp.topic}[{tp.partition}]" for tp in args[0])
            self._log.info("nearline.assigned", partitions=partitions)

        async def revoked(_: Any, /, *args: Any, **fields: Any) -> None:
            del args, fields
            await self._drain(app, self._config.revoke_timeout_s)  # 6

        async def before_shutdown(_: Any, /, *args: Any, **fields: Any) -> None:
            del args, fields
            await self._drain(app, self._config.stop_timeout_s)  # 7

        app.on_partitions_assigned.connect(assigned)
        # Faust has stopped the flow and emptied its buffer by then; the group waits for us.
        app.on_partitions_revoked.connect(revoked)
        # The consumer still lives, so that the last commit passes.
        app.on_before_shutdown.connect(before_shutdown)

    async def _consume(self, app: faust.App, stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                message = event.message
                permit = await self._lanes.admit(message.key)  # 1
                if not app.flow_control.is_active() or message.generation_id != app.consumer_generation_id:
                    self._lanes.refuse(permit)
                    continue
                progress = self._progress.setdefault(message.tp, PartitionProgress())
                self._lanes.start(permit, _record(message), progress)  # 2, 3, 4
        except BaseException as error:
            self._die(error)  # a record in hand would be skipped if faust restarted the agent
            raise

    async def _commit_regularly(self, app: faust.App) -> None:
        while True:
            await asyncio.sleep(self._config.commit_interval_s)
            await self._commit(app)  # 5
            self._health.beat()
            self._observe_lag(app)

    async def _commit(self, app: faust.App) -> None:
        async with self._commit_lock:
            moved = {
                tp: part.next_offset
                for tp, part in self._progress.items()
                if part.next_offset is not None and part.next_offset != part.committed_offset
            }
            parts = dict(self._progress)
            # The one private method of faust that is used: its public commit() goes by faust's own bookkeeping, which
            # acks=False leaves empty. It checks the assignment and is False after a rebalance. The version is pinned.
            consumer: Any = app.consumer
            if moved and await consumer._commit_offsets(moved):  # noqa: SLF001
                for tp, offset in moved.items():
                    parts[tp].committed_offset = offset
                self._idle_since_s = time.monotonic()
            elif not any(part.num_open for part in self._progress.values()):
                self._idle_since_s = time.monotonic()

    async def _drain(self, app: faust.App, limit_s: float) -> None:
        self._health.is_assigned = False
        await self._lanes.drain(limit_s)
        with contextlib.suppress(TimeoutError):  # with the broker away a commit never ends
            async with asyncio.timeout(_LAST_COMMIT_S):
                await self._commit(app)
        dropped = list(self._progress.values())
        self._progress.clear()
        self._lanes.reopen(dropped)

    def _observe_lag(self, app: faust.App) -> None:
        lag = 0
        for tp, part in self._progress.items():
            end = app.consumer.highwater(tp) if tp in app.consumer.assignment() else None
            if end is not None and part.position is not None:
                lag += max(0, end - part.position)
        self._telemetry.lag.set(lag)

    def _note_pause(self, retry_after_s: float) -> None:
        self._telemetry.pauses.inc()
        self._log.info("nearline.paused", retry_after_s=round(retry_after_s, 3), at_work=self._lanes.num_at_work)

    def _die(self, error: BaseException) -> None:
        """Invariant I5. Not ``app.crash()``: that stops in order, and later records of the failed key would run."""
        if self._is_stopping and isinstance(error, asyncio.CancelledError):
            return  # the orderly end: not finished, not committed
        self._log.critical("nearline.fail_stop", error=type(error).__name__, exc_info=error)
        self._exit_now(EXIT_FAIL_STOP)


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        log_time=_log_time(message.timestamp),
        key=message.key,
        value=message.value,
        headers=tuple((name, value or b"") for name, value in message.headers or ()),
    )


def _log_time(timestamp_s: float | None) -> datetime:
    # Producers set it, so it may be anything: -1 for none, or beyond what a date can be.
    return datetime.fromtimestamp(min(max(timestamp_s or 0.0, 0.0), _LAST_SECOND_S), UTC)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
