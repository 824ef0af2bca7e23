"""Start-up of the nearline service: each step is repeated until it works, and the probes say what is waited for."""

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from schemas.errors import BackendError, BackendUnavailable, DeadlineExceeded, Overloaded
from stream.backoff import backoff_s
from stream.config import NearlineConfig
from stream.health import Health
from stream.topics import missing_topics

__all__ = ["Stopped", "check_topics", "stop_on_signals", "until"]

_Opened = TypeVar("_Opened")

_log = structlog.get_logger(__name__)


class Stopped(Exception):
    """SIGTERM before the service was through its start."""


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, from now on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def until(stop: asyncio.Event, health: Health, what: str, attempt: Callable[[], Awaitable[_Opened]]) -> _Opened:
    """Repeat a step of start-up until it works; unready until then, and saying why.

    Raises:
        Stopped: SIGTERM came first.
    """
    num_attempts = 0
    rng = random.Random()
    while not stop.is_set():
        num_attempts += 1
        try:
            return await attempt()
        except (BackendError, DeadlineExceeded, Overloaded) as error:
            reason = f"{what}: {type(error).__name__}: {error}"
            if reason != health.waiting_for:  # once, not every two seconds
                _log.warning("nearline.waiting", what=what, error=type(error).__name__, reason=str(error))
            health.waiting_for = reason
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(backoff_s(num_attempts, rng)):
                await stop.wait()
    raise Stopped


async def check_topics(config: NearlineConfig) -> None:
    """All topics of the service are there.

    Raises:
        BackendUnavailable: Some are not, or the broker cannot be reached.
    """
    if missing := await missing_topics(config.bootstrap_servers, config.topics.all):
        message = f"{', '.join(missing)} not on {config.bootstrap_servers}: run `precis topics create`"
        raise BackendUnavailable(message, backend="kafka", operation="find topics")
