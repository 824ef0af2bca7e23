"""The scripted summarizer behind a real socket, for services that run as processes."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from ops.ports import lasting_ports
from tests.doubles.engine_app import AsgiApp, Receive, Scope, Send, engine_app
from tests.doubles.engines import ScriptedSummarizer

__all__ = ["served_summarizer"]

_START_TIMEOUT_S = 120.0
_SERVICE_TIME_S = 0.6


@contextmanager
def served_summarizer() -> Iterator[str]:
    """A summarizer server on a thread of this process.

    Yields:
        Its base address.
    """
    (port,) = lasting_ports(1)
    config = uvicorn.Config(
        _taking_time(engine_app(ScriptedSummarizer())), port=port, log_level="critical", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="engine double")
    thread.start()
    try:
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while not server.started:
            assert thread.is_alive(), "the engine double did not start"
            assert time.monotonic() < deadline_s, "the engine double did not start in time"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _taking_time(app: AsgiApp) -> AsgiApp:
    """A model takes its time, here more than the commit interval: a record committed too early is lost by a SIGKILL."""

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(_SERVICE_TIME_S)
        await app(scope, receive, send)

    return slow
