"""`precis probe`: put together from settings."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx
from prometheus_client import start_http_server
from rich.console import Console
from rich.markup import escape

from ops.probe.posting import probe_job_id
from ops.probe.run import Probe, Result, Run, Stage, run_fields
from ops.probe.scorer import HttpLook
from ops.probe.telemetry import ProbeTelemetry
from ops.runfile import resolve
from ops.settings import Settings
from schemas.errors import ConfigurationError
from stream.producer import KafkaPublisher

__all__ = ["ProbeOptions", "run_probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """How to probe.

    Attributes:
        interval_s: Seconds from the end of one update to the next.
        count: How many updates; None goes on until it is stopped.
        timeout_s: How long an update may take, in seconds.
        instance: Name of this probe; two at work at once need two names.
        is_long: Whether the posting needs a summarizer.
        metrics_host: Address of ``/metrics``.
        metrics_port: Its port; None serves none.
        as_json: One JSON object a run on standard output.
    """

    interval_s: float
    count: int | None
    timeout_s: float
    instance: str
    is_long: bool
    metrics_host: str
    metrics_port: int | None
    as_json: bool


async def run_probe(settings: Settings, options: ProbeOptions) -> int:
    """Update, follow, wait, until stopped; in the end the posting is deleted, on Ctrl-C and SIGTERM too.

    Returns:
        Exit status: 1 where an update did not come through.

    Raises:
        BackendUnavailable: The broker cannot be reached at the start.
        ConfigurationError: The port of the metrics is taken, or the name cannot be used.
    """
    bootstrap, _, scorer_url = resolve(settings)
    job_id, telemetry = probe_job_id(options.instance), ProbeTelemetry()
    console, stop = Console(stderr=options.as_json), _stop_on_signals()
    async with (
        KafkaPublisher(bootstrap, client_id="precis-probe") as publisher,
        httpx.AsyncClient(base_url=scorer_url, timeout=10.0, trust_env=False) as http,
    ):
        probe = Probe(
            job_id,
            publisher,
            settings.topics.updates,
            HttpLook(http),
            timeout_s=options.timeout_s,
            is_long=options.is_long,
        )
        num_failed = 0
        with _metrics(telemetry, options):
            async with _removed_at_the_end(probe, console):
                async for run in _runs(probe, options, stop):
                    telemetry.observe(run)
                    num_failed += run.result is not Result.OK
                    _print(console, run, as_json=options.as_json)
    return 1 if num_failed else 0


async def _runs(probe: Probe, options: ProbeOptions, stop: asyncio.Event) -> AsyncIterator[Run]:
    """The runs, until there were enough or ``stop`` is set; one that is cut off is not told of."""
    num_done = 0
    while not stop.is_set():
        run = await _unless(stop, probe)
        if run is None:
            return
        yield run
        num_done += 1
        if num_done == options.count:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(options.interval_s):
                await stop.wait()


async def _unless(stop: asyncio.Event, probe: Probe) -> Run | None:
    running, stopped = asyncio.create_task(probe.run_once()), asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not running.done():
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return None
    return running.result()


@asynccontextmanager
async def _removed_at_the_end(probe: Probe, console: Console) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if problem := await probe.remove():
            console.print(f"[yellow]{escape(problem)}", soft_wrap=True)


@contextmanager
def _metrics(telemetry: ProbeTelemetry, options: ProbeOptions) -> Iterator[None]:
    if options.metrics_port is None:
        yield
        return
    try:
        server, thread = start_http_server(options.metrics_port, options.metrics_host, registry=telemetry.registry)
    except OSError as error:
        raise ConfigurationError(
            f"metrics port {options.metrics_port} at {options.metrics_host!r}: cannot listen there: {error}"
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _print(console: Console, run: Run, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(run_fields(run)), flush=True)  # noqa: T201 - the command's answer
        return
    style = "green" if run.result is Result.OK else "red"
    stages = "  ".join(f"{stage} {run.seconds[stage]:.3f} s" for stage in Stage if stage in run.seconds)
    console.print(
        f"[{style}]{run.result}[/]  version {run.version}  {stages}  {escape(run.reason)}",
        highlight=False,
        soft_wrap=True,
    )
