"""One lane on Kafka: a faust worker that delivers records to its queues and commits what is finished.

A process runs one worker a lane (live, backfill, re-summarise). Each has its own app, consumer group, window, progress
and commits; they share the slots of the engine and its pause, and nothing else, so that none can hold up another.

Faust delivers, rebalances and stops; what may be committed is decided here alone. Its own acknowledgements are not
used (``acks=False``): faust commits up to the first hole without knowing what is in flight, forgets acknowledged
offsets when partitions are revoked, and waits without limit when it stops.

Protocol
    1. Pull: wait for room (:meth:`Lanes.admit`), then check that the record is still ours; one in hand across a
       rebalance is dropped, for it is delivered again.
    2. Register its offset in the progress of its partition; append it to its key's queue.
    3. The key's task runs the handler over what is queued; ``Overloaded`` pauses, and runs it again.
    4. Finished: while the head of the partition's open records is finished, the committable offset moves.
    5. Every ``commit_interval_s`` commit what moved; one commit at a time.
    6. Revoked: start nothing new, wait ``revoke_timeout_s`` for what runs, commit, drop all progress.
    7. SIGTERM: the same with ``stop_timeout_s``, all lanes at once, then faust stops; a timer ends the process if faust
       hangs (it does with the broker away). What was unfinished stays uncommitted and comes back.
    8. Anything unplanned: ``die``; a supervisor restarts the process.

Beside it, for the probes: every ``lag_interval_s`` the broker is asked for the end of the log, and at every turn of the
commit loop's clock it is noted whether something else holds the lane up.
"""

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted

from stream.app import Callbacks, ConsumerOffsets, build_app
from stream.assignment import Assignment
from stream.config import LaneSpec, NearlineConfig
from stream.health import LaneHealth
from stream.lag import measure_lag
from stream.lanes import Handle, Lanes
from stream.liveness import Excuse
from stream.shared import Shared
from stream.slots import Priority
from stream.source import Record

__all__ = ["EXIT_FAIL_STOP", "NearlineWorker"]

EXIT_FAIL_STOP = 70
"""Exit code of a fail-stop (EX_SOFTWARE): nothing of what was unfinished is committed; start again."""

_LAST_COMMIT_S = 5.0
_FAUST_STOP_S = 10.0


class NearlineWorker:
    """One member of one consumer group. Make it, then await :meth:`run` once."""

    def __init__(
        self,
        config: NearlineConfig,
        lane: LaneSpec,
        handle: Handle,
        *,
        shared: Shared,
        health: LaneHealth,
        is_held: Callable[[], bool] = lambda: False,
    ) -> None:
        """Put together.

        Args:
            config: Addresses, limits and times.
            lane: Topic, group and priority.
            handle: Finishes records (``RecordHandler.handle_group``).
            shared: Slots, pause, telemetry, and the end of the process.
            health: Told of assignments, progress and lag.
            is_held: Whether the lane is to take nothing for now.
        """
        self._config = config
        self._lane = lane
        self._finish = handle
        self._shared = shared
        self._health = health
        self._is_held = is_held
        self._log = structlog.get_logger(__name__).bind(lane=lane.name)
        self._assignment = Assignment()
        self._commit_lock = asyncio.Lock()
        self._is_stopping = False
        self._queue: Any = None  # of faust: fetched records that wait to be delivered
        self._is_in_hand = False
        self._lanes = Lanes(
            self._handle,
            slots=shared.slots,
            pause=shared.pause,
            window=config.window,
            die=self._die,
            priority=lane.priority,
            is_held=is_held,
            on_pause=self._note_pause,
        )
        self._export()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set, then finish what runs and leave the group.

        A broker that goes away is waited for. A crash of faust ends the process: see ``Shared.exit_now``.
        """
        callbacks = Callbacks(self._consume, self._note_assigned, self._revoked, self._before_shutdown)
        with tempfile.TemporaryDirectory(prefix="precis-nearline-", ignore_cleanup_errors=True) as datadir:
            app = self._app = build_app(self._config, self._lane, datadir, callbacks)
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
        loops = [self._commit_regularly(), self._look_regularly(), self._tick_regularly()]
        running = [asyncio.create_task(loop) for loop in loops]
        try:
            await asyncio.wait({stopped, crashed, *running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(stopped, crashed, *running)
        for task in running:
            if not task.cancelled() and (error := task.exception()):
                self._die(error)  # 8
        if app.crash_reason is not None:
            self._die(app.crash_reason)  # 8: not stopped in order, for faust may hang

    async def _stop(self, app: faust.App) -> None:
        self._health.note_assigned(is_assigned=False)
        # From SIGTERM on, whatever hangs has this long; all that can be committed is committed by then.
        limit_s = self._config.stop_timeout_s + _LAST_COMMIT_S + _FAUST_STOP_S
        timer = threading.Timer(limit_s, self._shared.exit_now, (0,))
        timer.daemon = True
        timer.start()
        try:
            await app.stop()
        finally:
            timer.cancel()

    def _note_assigned(self, partitions: set[Any]) -> None:
        self._health.note_assigned(is_assigned=True)
        self._log.info("nearline.assigned", partitions=sorted(f"{tp.topic}[{tp.partition}]" for tp in partitions))

    async def _revoked(self) -> None:
        await self._drain(self._config.revoke_timeout_s)  # 6

    async def _before_shutdown(self) -> None:
        await self._drain(self._config.stop_timeout_s)  # 7

    async def _consume(self, stream: Any) -> None:
        app, self._queue = self._app, stream.channel.queue
        try:
            # The channel, not the stream over it: acknowledgements, processors and the current event are not used.
            async for event in stream.channel:
                self._is_in_hand = True
                message = event.message
                permit = await self._lanes.admit(message.key)  # 1
                is_ours = app.flow_control.is_active() and message.generation_id == app.consumer_generation_id
                if is_ours and not self._is_stopping:
                    record = Record.of(message, timestamp_s=message.timestamp)
                    self._lanes.start(permit, record, self._assignment.part(message.tp))  # 2, 3, 4
                else:
                    self._lanes.refuse(permit)
                self._is_in_hand = False
        except BaseException as error:
            self._die(error)  # a record in hand would be skipped if faust restarted the agent
            raise

    async def _handle(self, records: Sequence[Record]) -> Sequence[Record]:
        finished = await self._finish(records)
        self._health.note_finished()
        return finished

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._config.commit_interval_s)
            await self._commit()  # 5

    async def _look_regularly(self) -> None:
        offsets = ConsumerOffsets(self._app, self._is_buffering)
        while True:
            try:
                self._health.note_lag(await measure_lag(offsets, self._assignment))
            except (KafkaError, ConsumerNotStarted) as error:
                self._log.debug("nearline.no_lag", error=repr(error))  # its age is what liveness goes by
            await asyncio.sleep(self._config.lag_interval_s)

    def _is_buffering(self) -> bool:
        return self._is_in_hand or self._queue is None or not self._queue.empty()

    async def _tick_regularly(self) -> None:
        while True:
            self._shared.beat()
            self._health.note_excuse(self._excuse())
            await asyncio.sleep(self._config.commit_interval_s)

    async def _commit(self) -> None:
        async with self._commit_lock:
            assignment = self._assignment
            moved = assignment.moved()
            # The one private method of faust that is used: its public commit() goes by faust's own bookkeeping, which
            # acks=False leaves empty. It checks the assignment and is False after a rebalance. The version is pinned.
            consumer: Any = self._app.consumer
            if moved and await consumer._commit_offsets(moved):  # noqa: SLF001
                assignment.note_committed(moved)
                self._health.note_committed()

    async def _drain(self, limit_s: float) -> None:
        self._health.note_assigned(is_assigned=False)
        await self._lanes.drain(limit_s)
        with contextlib.suppress(TimeoutError):  # with the broker away a commit never ends
            async with asyncio.timeout(_LAST_COMMIT_S):
                await self._commit()
        dropped, self._assignment = self._assignment, Assignment()
        self._lanes.reopen(dropped.parts())

    def _excuse(self) -> Excuse | None:
        slots, priority = self._shared.slots, self._lane.priority
        if self._shared.pause.left_s(priority) > 0:
            return Excuse.REFUSED
        if self._is_held():
            return Excuse.HELD
        if priority is not Priority.LIVE and slots.num_waiting(priority) and not slots.num_held(priority):
            return Excuse.NO_SLOT
        return None

    def _note_pause(self, retry_after_s: float) -> None:
        self._health.note_excuse(Excuse.REFUSED)
        self._shared.telemetry.pauses.labels(self._lane.name).inc()
        self._log.info("nearline.paused", retry_after_s=round(retry_after_s, 3), at_work=self._lanes.num_at_work)

    def _export(self) -> None:
        telemetry, name, priority = self._shared.telemetry, self._lane.name, self._lane.priority
        slots, pause = self._shared.slots, self._shared.pause
        telemetry.window.labels(name).set(self._config.window)
        telemetry.pauses.labels(name)
        telemetry.in_flight.labels(name).set_function(lambda: slots.num_held(priority))
        telemetry.keys_at_work.labels(name).set_function(lambda: self._lanes.num_at_work)
        telemetry.buffered.labels(name).set_function(lambda: self._queue.qsize() if self._queue is not None else 0)
        telemetry.uncommitted.labels(name).set_function(lambda: self._assignment.num_open)
        telemetry.paused.labels(name).set_function(lambda: pause.left_s(priority) > 0)
        telemetry.commit_age.labels(name).set_function(lambda: self._health.commit_age_s)
        telemetry.lag.labels(name).set_function(lambda: float("nan" if (lag := self._health.lag) is None else lag))

    def _die(self, error: BaseException) -> None:
        """Invariant I5. Not ``app.crash()``: that stops in order, and later records of the failed key would run."""
        if self._is_stopping and isinstance(error, asyncio.CancelledError):
            return  # the orderly end: not finished, not committed
        self._log.critical("nearline.fail_stop", error=type(error).__name__, exc_info=error)
        self._shared.exit_now(EXIT_FAIL_STOP)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
