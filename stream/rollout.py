"""The latest roll-out, as every worker knows it: the last record of a compacted topic, followed without a group.

Protocol
    1. ``start`` begins to follow, and waits for 5: what was known when the service starts is known before it takes
       its first record.
    2. A task reads the topic from its beginning and goes on, so that a change reaches every worker within one fetch.
    3. A record that is not a state of ours, or whose generation is lower than the one known, changes nothing.
    4. Without the broker the last known state stands; when it is back, reading goes on.
    5. ``catch_up`` asks for the end as of now, and waits until 2 is there.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from schemas.errors import BackendUnavailable, InvalidInput
from schemas.rollout import RolloutState, decode_rollout
from store.consumers import stop_consumer
from stream.backoff import backoff_s
from stream.telemetry import Telemetry

__all__ = ["RolloutFollower"]

# A state changes once in weeks, so it is not asked for often. The embedded broker holds an empty fetch for its whole
# wait: a worker may hear of a change that much later there. Kafka answers at once.
_FETCH_WAIT_MS = 500
_REQUEST_TIMEOUT_S = 10.0
_LOOK_S = 0.05


class RolloutFollower:
    """``RolloutSource`` over the topic. Await :meth:`start` once it works, :meth:`stop` at the end."""

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        *,
        telemetry: Telemetry,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Plan to follow.

        Args:
            bootstrap_servers: ``host:port`` of Kafka brokers, separated by commas.
            topic: The topic of states; it has one partition.
            telemetry: Shows generation and pause.
            sleep: How to wait between attempts at a broker that is away, in seconds.
        """
        self._bootstrap_servers = bootstrap_servers
        self._partition = TopicPartition(topic, 0)
        self._sleep = sleep
        self._rng = random.Random()
        self._state = RolloutState()
        self._following: asyncio.Task[None] | None = None
        self._consumer: Any = None
        self._log = structlog.get_logger(__name__)
        telemetry.rollout_generation.set_function(lambda: float(self._state.generation))
        telemetry.rollout_paused.set_function(lambda: float(self._state.is_paused))

    @property
    def state(self) -> RolloutState:
        """The latest state seen; before any roll-out, generation 0, running."""
        return self._state

    @property
    def generation(self) -> int:
        """Its number."""
        return self._state.generation

    @property
    def is_paused(self) -> bool:
        """Whether the re-summarise lane takes nothing."""
        return self._state.is_paused

    async def start(self) -> None:
        """Read to the end as of now, then follow in the background.

        Raises:
            BackendUnavailable: The broker cannot be reached or does not have the topic; may be called again.
        """
        try:
            self._consumer = await self._open()
        except (KafkaError, TimeoutError) as error:
            raise self._unavailable(error) from error
        self._following = asyncio.create_task(self._follow())
        try:
            await self.catch_up()
        except BaseException:
            await self.stop()
            raise

    async def catch_up(self) -> None:
        """Wait until all that was written before this call is known.

        Raises:
            BackendUnavailable: The broker cannot be asked now.
        """
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                end = (await self._connected().end_offsets([self._partition]))[self._partition]
                # Following moves the position and applies what it read in one step: none is counted before it is known.
                while await self._connected().position(self._partition) < end:
                    await self._sleep(_LOOK_S)
        except (KafkaError, ConsumerStoppedError, TimeoutError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> BackendUnavailable:
        return BackendUnavailable(repr(error), backend="kafka", operation=f"read {self._partition.topic}")

    def _connected(self) -> Any:
        if self._consumer is None:
            raise ConsumerStoppedError
        return self._consumer

    async def stop(self) -> None:
        """Stop following. Idempotent."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None
        await self._close()

    async def _open(self) -> Any:
        consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            request_timeout_ms=round(_REQUEST_TIMEOUT_S * 1000),
        )
        try:
            await consumer.start()
            consumer.assign([self._partition])
            await consumer.seek_to_beginning(self._partition)
        except BaseException:
            await stop_consumer(consumer)
            raise
        return consumer

    async def _read(self, consumer: Any) -> None:
        for records in (await consumer.getmany(self._partition, timeout_ms=_FETCH_WAIT_MS)).values():
            for record in records:
                self._apply(record)

    def _apply(self, record: Any) -> None:
        try:
            state = decode_rollout(record.key, record.value)
        except InvalidInput as error:
            self._log.warning("nearline.rollout_refused", offset=record.offset, reason=str(error))
            return
        if state.generation < self._state.generation:
            self._log.warning("nearline.rollout_refused", offset=record.offset, reason="its generation is lower")
            return
        if (state.generation, state.phase) != (self._state.generation, self._state.phase):
            self._log.info("nearline.rollout", generation=state.generation, phase=str(state.phase))
        self._state = state

    async def _follow(self) -> None:
        num_failures = 0
        while True:
            try:
                if self._consumer is None:
                    self._consumer = await self._open()
                await self._read(self._consumer)
                num_failures = 0
            except (KafkaError, OSError) as error:  # the client itself tries again what it can; this is the rest
                num_failures += 1
                self._log.warning("nearline.rollout_unread", error=repr(error))
                await self._close()
                await self._sleep(backoff_s(num_failures, self._rng))

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)
