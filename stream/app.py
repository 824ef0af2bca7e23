"""One faust app for one lane: a topic, a consumer group, one agent; and what its client knows of offsets.

Each lane has an app of its own: one consumer over several topics would stop fetching live records while its buffer is
full of others. Several apps run side by side in one process and one event loop; each has its consumer in a thread.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import faust
from faust.types import TP

from stream.config import LaneSpec, NearlineConfig
from stream.slots import Priority
from stream.transport import committed_offsets, make_transport

__all__ = ["Callbacks", "ConsumerOffsets", "build_app"]

_READ_AHEAD = 64
"""Records faust buffers beyond those in the lanes; its default of 4,096 postings would be tens of megabytes."""

_LOWER_FETCH_WAIT = 5
"""Times the live lane's: a lane that is mostly empty need not ask ten times a second."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What an app calls.

    Attributes:
        consume: The agent: reads the stream for ever.
        assigned: Partitions were assigned; may be none.
        revoked: They are taken away: flow is stopped, faust's buffer is empty, the group waits for this.
        before_shutdown: The app stops; its consumer still lives, so that the last commit passes.
    """

    consume: Callable[[Any], Awaitable[None]]
    assigned: Callable[[set[TP]], None]
    revoked: Callable[[], Awaitable[None]]
    before_shutdown: Callable[[], Awaitable[None]]


def build_app(config: NearlineConfig, lane: LaneSpec, datadir: str, callbacks: Callbacks) -> faust.App:
    """The app of a lane, not started yet.

    Args:
        config: Addresses and times.
        lane: Topic and group.
        datadir: A directory of its own.
        callbacks: What it calls.
    """
    app = faust.App(
        lane.group_id,
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
        stream_wait_empty=False,  # the worker's drain waits, with a limit
        broker_session_timeout=config.session_timeout_s,
        broker_heartbeat_interval=config.session_timeout_s / 6,
        broker_rebalance_timeout=config.rebalance_timeout_s,
        broker_request_timeout=max(90.0, 2 * config.session_timeout_s),  # faust: not below the session's
        broker_check_crcs=True,
    )
    patience = 1 if lane.priority is Priority.LIVE else _LOWER_FETCH_WAIT
    app.transport = make_transport(app, fetch_wait_s=patience * config.fetch_wait_s)
    source = app.topic(
        lane.topic,
        acks=False,  # the worker alone commits
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )

    @app.agent(source)
    async def consume(stream: Any) -> None:
        await callbacks.consume(stream)

    _connect(app, callbacks)
    return app


def _connect(app: faust.App, callbacks: Callbacks) -> None:
    async def assigned(_: Any, /, *args: Any, **fields: Any) -> None:
        del fields
        callbacks.assigned(set(args[0]))

    async def revoked(_: Any, /, *args: Any, **fields: Any) -> None:
        del args, fields
        await callbacks.revoked()

    async def before_shutdown(_: Any, /, *args: Any, **fields: Any) -> None:
        del args, fields
        await callbacks.before_shutdown()

    app.on_partitions_assigned.connect(assigned)
    app.on_partitions_revoked.connect(revoked)
    app.on_before_shutdown.connect(before_shutdown)


class ConsumerOffsets:
    """``stream.lag.Offsets`` of a running app."""

    def __init__(self, app: faust.App, is_buffering: Callable[[], bool]) -> None:
        """Ask this app.

        Args:
            app: Started.
            is_buffering: Whether a fetched record waits to be delivered.
        """
        self._app = app
        self.is_buffering = is_buffering

    def assigned(self) -> set[TP]:
        """See ``Offsets.assigned``."""
        return set(self._app.consumer.assignment())

    async def ends(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """See ``Offsets.ends``."""
        return _by_tp(await self._app.consumer.highwaters(*partitions))

    async def starts(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """See ``Offsets.starts``."""
        wanted = list(partitions)
        firsts = _by_tp(await self._app.consumer.earliest_offsets(*wanted))
        committed = await committed_offsets(self._app, wanted)
        return {tp: max(first, committed.get(tp, first)) for tp, first in firsts.items()}

    async def fetched(self, tp: TP) -> int | None:
        """See ``Offsets.fetched``."""
        return await self._app.consumer.position(tp)


def _by_tp(offsets: Mapping[Any, int]) -> dict[TP, int]:
    return {TP(tp.topic, tp.partition): offset for tp, offset in offsets.items()}
