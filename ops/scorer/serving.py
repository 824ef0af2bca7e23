"""One scorer process: its two ports, the end on a signal, and the watch over stalls."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from serve.connection import HeadTimeLimit
from serve.stalls import StallWatch, freeze

__all__ = ["serve"]

_log = structlog.get_logger(__name__)

_DRAIN_S = 10
_POLL_S = 0.05
# A worker that comes back takes no call before it can answer one; without a ranker it comes anyway, to say so.
_WAIT_VERIFIED_S = 10.0
# Above what two cores answer; a connection costs some 30 kB. More get 503 from uvicorn at once.
_MAX_CONNECTIONS = 4_096


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: two of them share a loop, and the parts close after both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to :func:`serve`."""
        yield


def serve(
    app: FastAPI,
    admin_app: FastAPI,
    *,
    public: socket.socket,
    admin: socket.socket,
    tls: tuple[Path, Path] | None,
    waits_until_verified: bool,
) -> None:
    """Serve until SIGTERM or SIGINT; calls under way are then finished, for at most ten seconds.

    Args:
        app: Of the public port; its lifespan opens and closes the parts.
        admin_app: Of the admin port; it goes on while calls are finished.
        public: Bound socket; it listens at the latest when this process takes connections.
        admin: Listening socket.
        tls: Files of certificate and key, checked; None: plain HTTP.
        waits_until_verified: Take no connection before the ranker is verified, so that other processes get them.
    """
    certificate, key = tls or (None, None)
    public_server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=_DRAIN_S,
            limit_concurrency=_MAX_CONNECTIONS,
            http=HeadTimeLimit,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )
    admin_server = _Server(
        uvicorn.Config(admin_app, lifespan="off", log_level="warning", timeout_graceful_shutdown=1, http=HeadTimeLimit)
    )

    async def run() -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        async with app.router.lifespan_context(app), asyncio.TaskGroup() as tasks:
            watch = StallWatch(app.state.telemetry)
            watching = tasks.create_task(watch.run())
            admin_task = tasks.create_task(admin_server.serve([admin]))
            warming = tasks.create_task(_freeze_when_verified(app))
            if waits_until_verified:
                await asyncio.wait(
                    {warming, stop := tasks.create_task(stopping.wait())},
                    timeout=_WAIT_VERIFIED_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                stop.cancel()
            public_task = tasks.create_task(public_server.serve([public]))
            _log.info("listening", public=_address(public), admin=_address(admin), tls=tls is not None)
            await stopping.wait()
            public_server.should_exit = True
            await public_task
            admin_server.should_exit = True
            await admin_task
            watching.cancel()
            warming.cancel()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def _freeze_when_verified(app: FastAPI) -> None:
    """Until the first verification has warmed everything up; then what is there is there to stay."""
    while True:
        if app.state.parts.arms.champion.is_verified:
            _log.info("frozen", objects=freeze())
            return
        await asyncio.sleep(_POLL_S)


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"{host}:{port}"
