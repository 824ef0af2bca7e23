"""`precis rollout`: put together from settings."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from models.bundle import Role, load_bundle
from ops.lag.lanes import lanes_of
from ops.rollout.enumeration import ChangelogEnumeration, Enumeration, ScanEnumeration
from ops.rollout.plan import next_rollout
from ops.rollout.present import status_fields, status_table
from ops.rollout.requests import RequestPump
from ops.rollout.restore import MAX_WAITING
from ops.rollout.start import OnProgress, Starter
from ops.rollout.status import RolloutStatus, count_documents, measure_rollout, rate_per_s
from ops.rollout.topic import RolloutTopic
from ops.runfile import resolve
from ops.services import open_embedded_store
from ops.settings import Settings
from ops.topic_reader import TopicReader
from ops.watching import watch
from schemas.rollout import RolloutPhase, RolloutState
from stream.mending import ResummariseTopic
from stream.producer import KafkaPublisher

__all__ = ["mend_fallbacks", "set_phase", "show_status", "start_rollout", "watch_status"]

_RATE_WINDOW_S = 2.0
_WATCH_S = 2.0


@dataclass(frozen=True, slots=True)
class _Broker:
    """The broker of the settings, open."""

    bootstrap: str
    reader: TopicReader
    topic: RolloutTopic
    requests: ResummariseTopic


async def start_rollout(settings: Settings, *, generation: int | None, is_confirmed: bool) -> int:
    """Start the next roll-out, or go on with one that was cut off.

    Args:
        settings: Where.
        generation: Its number; None for the next one.
        is_confirmed: Do not ask.

    Returns:
        Exit status.

    Raises:
        ConfigurationError: A roll-out is under way, or the number does not fit.
    """
    revision = load_bundle(settings.summarizer.bundle, Role.SUMMARIZER).revision
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(_open_broker(settings))
        known = await broker.topic.read()
        status = await _measure(settings, broker.bootstrap)
        rollout = next_rollout(
            known,
            status.progress.remaining,
            chosen=generation,
            highest_stored=await _highest_stored(settings, stack),
            revision=revision,
            now=_now(),
        )
        _confirm(rollout, known, is_confirmed=is_confirmed)
        with _progress() as on_progress:
            starter = _starter(settings, broker, on_progress)
            done = await starter.start(rollout, await _enumeration(settings, stack, broker.reader))
    typer.echo(
        f"generation {done.generation}: {done.requested} requests published; old summaries serve until the new ones "
        "stand. `precis rollout status` tells how far it is"
    )
    return 0


async def mend_fallbacks(settings: Settings) -> int:
    """Ask for every stored fallback to be made anew.

    Returns:
        Exit status.
    """
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(_open_broker(settings))
        known = await broker.topic.read()
        with _progress() as on_progress:
            starter = _starter(settings, broker, on_progress)
            count = await starter.mend(known, await _enumeration(settings, stack, broker.reader))
    typer.echo(f"{count} fallbacks asked for; no generation was started")
    return 0


async def set_phase(settings: Settings, phase: RolloutPhase) -> int:
    """Pause or resume the re-summarise lane of every worker.

    Returns:
        Exit status.
    """

    def changed(latest: RolloutState) -> RolloutState:
        return latest.model_copy(update={"phase": phase, "updated_at": _now()})

    async with _open_broker(settings) as broker:
        state = await broker.topic.change(changed)
    typer.echo(f"generation {state.generation}: {state.phase}")
    return 0


async def show_status(settings: Settings, *, as_json: bool, with_counts: bool) -> int:
    """Print once how far the roll-out is.

    Args:
        settings: Where.
        as_json: One JSON object.
        with_counts: Count documents where that means reading the changelog, too.

    Returns:
        Exit status.
    """
    bootstrap, _, _ = resolve(settings)
    status = await _measure(settings, bootstrap)
    if status.progress.waiting:
        await asyncio.sleep(_RATE_WINDOW_S)
        status = _with_rate(status, await _measure(settings, bootstrap))
    if with_counts or _can_scan(settings):
        async with AsyncExitStack() as stack:
            reader = await stack.enter_async_context(TopicReader(bootstrap))
            documents = await _enumeration(settings, stack, reader)
            status = replace(status, counts=await count_documents(documents, status.rollout.generation))
    _print(Console(), status, as_json=as_json)
    return 0


async def watch_status(settings: Settings, *, as_json: bool) -> NoReturn:
    """Print it again and again until Ctrl-C: in place, or as one JSON object a line."""
    bootstrap, _, _ = resolve(settings)
    before: RolloutStatus | None = None

    async def measured() -> RolloutStatus:
        nonlocal before
        now = await _measure(settings, bootstrap)
        before = _with_rate(before, now) if before else now
        return before

    await watch(
        measured,
        line=lambda console, status: _print(console, status, as_json=as_json),
        page=status_table,
        interval_s=_WATCH_S,
        as_json=as_json,
    )


@asynccontextmanager
async def _open_broker(settings: Settings) -> AsyncIterator[_Broker]:
    bootstrap, _, _ = resolve(settings)
    async with (
        TopicReader(bootstrap) as reader,
        KafkaPublisher(bootstrap, client_id="precis-rollout") as publisher,
    ):
        yield _Broker(
            bootstrap,
            reader,
            RolloutTopic(reader, publisher, settings.topics.rollouts),
            ResummariseTopic(publisher, settings.topics.resummarise),
        )


def _starter(settings: Settings, broker: _Broker, on_progress: OnProgress) -> Starter:
    async def num_waiting() -> int:
        return (await _measure(settings, broker.bootstrap)).progress.waiting

    limit = MAX_WAITING if settings.is_embedded else None
    return Starter(
        topic=broker.topic,
        reader=broker.reader,
        resummarise_topic=settings.topics.resummarise,
        pump=RequestPump(broker.requests, num_waiting=num_waiting, max_waiting=limit),
        clock=_now,
        on_progress=on_progress,
    )


def _can_scan(settings: Settings) -> bool:
    return settings.store.kind == "sqlite"


async def _enumeration(settings: Settings, stack: AsyncExitStack, reader: TopicReader) -> Enumeration:
    if not _can_scan(settings):
        return ChangelogEnumeration(reader, settings.topics.summaries)
    store = await open_embedded_store(settings)
    stack.push_async_callback(store.close)
    return ScanEnumeration(store)


async def _highest_stored(settings: Settings, stack: AsyncExitStack) -> int:
    if not _can_scan(settings):
        return 0  # there the topic of states is durable
    store = await open_embedded_store(settings)
    stack.push_async_callback(store.close)
    highest = 0
    async for page in store.scan():
        highest = max(highest, *(entry.generation for entry in page))
    return highest


async def _measure(settings: Settings, bootstrap: str) -> RolloutStatus:
    (lane,) = [lane for lane in lanes_of(settings) if lane.topic == settings.topics.resummarise]
    return await measure_rollout(
        bootstrap,
        rollouts_topic=settings.topics.rollouts,
        resummarise_topic=lane.topic,
        group=lane.group,
        at_s=time.monotonic(),
    )


def _with_rate(before: RolloutStatus, now: RolloutStatus) -> RolloutStatus:
    return replace(now, rate_per_s=rate_per_s(before.progress, now.progress))


def _confirm(rollout: RolloutState, known: RolloutState, *, is_confirmed: bool) -> None:
    if is_confirmed:
        return
    verb = "Go on with" if rollout.generation == known.generation else "Start"
    typer.confirm(
        f"{verb} generation {rollout.generation}: every stored job is summarised anew by revision {rollout.revision}?",
        abort=True,
    )


def _print(console: Console, status: RolloutStatus, *, as_json: bool) -> None:
    if as_json:
        console.file.write(json.dumps(status_fields(status)) + "\n")
    else:
        console.print(status_table(status))


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """A line on standard error that tells how far it is; the number of documents is known only at the end."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("asking for stored jobs")

        def on_progress(num_seen: int, num_requested: int) -> None:
            text = f"{num_seen} documents looked at, {num_requested} requests published"
            progress.update(task, description=text)

        yield on_progress


def _now() -> datetime:
    return datetime.now(UTC)
