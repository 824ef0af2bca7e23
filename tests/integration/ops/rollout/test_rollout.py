"""Mending and roll-outs on all lanes of a service: no gap, live updates first, paused and resumed, and restored."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from models.bundle import Role, load_bundle
from ops.broker import EmbeddedBroker
from ops.rollout.command import mend_fallbacks, set_phase, show_status, start_rollout
from ops.rollout.restore import restore_embedded
from schemas.documents import State, SummaryDocument
from schemas.errors import ConfigurationError
from schemas.rollout import RolloutPhase
from store.sqlite import SqliteStore
from tests.integration.ops.rollout.service import (
    TOPICS,
    Machine,
    Service,
    documents_of,
    job,
    job_ids,
    make_machine,
    serving,
)
from tests.integration.stream.kafka import eventually, last_documents, publish

TOPIC_COUNTS = {**TOPICS, "job-updates.dlq": 1, "job-rollouts": 1}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with EmbeddedBroker(TOPIC_COUNTS) as broker:
        yield make_machine(broker, tmp_path)


async def stored(service: Service, count: int, is_so: Callable[[SummaryDocument], bool]) -> None:
    """Wait until all jobs are stored and so."""
    await within(lambda: _all(service.store, count, is_so), "stored so")


async def within(check: Callable[[], Awaitable[bool]], what: str) -> None:
    await eventually(check, what)


async def _all(store: SqliteStore, count: int, is_so: Callable[[SummaryDocument], bool]) -> bool:
    documents = await documents_of(store, count)
    return len(documents) == count and all(map(is_so, documents))


async def status_of(machine: Machine, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert await show_status(machine.settings, as_json=True, with_counts=False) == 0
    # The service logs to the same output here.
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    fields: dict[str, object] = json.loads(line)
    return fields


async def _is_done(machine: Machine, capsys: pytest.CaptureFixture[str]) -> bool:
    return (await status_of(machine, capsys))["waiting"] == 0


@asynccontextmanager
async def watched(store: SqliteStore, count: int) -> AsyncIterator[list[int]]:
    """A reader that looks all jobs up, again and again, and finds a summary for each."""
    num_reads = [0]
    ended = asyncio.Event()

    async def read() -> None:
        while not ended.is_set():
            documents = await documents_of(store, count)
            assert len(documents) == count
            assert all(document.summary and not document.is_deleted for document in documents)
            num_reads[0] += 1
            await asyncio.sleep(0.02)

    reader = asyncio.create_task(read())
    try:
        yield num_reads
    finally:
        ended.set()
        await reader


async def test_fallbacks_are_mended_without_any_update(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """The engine goes away: what is stored meanwhile is extractive, servable, and mended when it is back."""
    async with serving(replace(machine, budget_s=0.3)) as service:
        await publish(machine.broker.bootstrap, [job(number) for number in range(10)])
        await stored(service, 10, lambda document: document.state is State.FRESH)
        service.engine.is_away = True
        await publish(machine.broker.bootstrap, [job(number) for number in range(10, 20)])
        await within(lambda: _count(service, 20), "all stored")
        assert {document.state for document in await documents_of(service.store, 20)} == {State.FRESH, State.FALLBACK}
        assert all(document.summary for document in await documents_of(service.store, 20))
        service.engine.is_away = False
        await stored(service, 20, lambda document: document.state is State.FRESH)
        await within(lambda: _is_done(machine, capsys), "the lane is done")
        documents = {document.job_id: document for document in await documents_of(service.store, 20)}
        assert await last_documents(machine.broker.bootstrap) == documents
        assert service.value("resummarise_requests_total", reason="fallback") == 10
        assert service.exits == []


async def _count(service: Service, count: int) -> bool:
    return len(await documents_of(service.store, count)) == count


async def test_a_rollout_beside_live_edits(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """Two hundred postings: edits come first, every read finds a summary, all end in the new generation."""
    count, edited = 200, 10
    async with serving(machine) as service:
        await publish(machine.broker.bootstrap, [job(number) for number in range(count)])
        await stored(service, count, lambda document: document.generation == 0)
        async with watched(service.store, count) as num_reads:
            service.engine.pace()
            assert await start_rollout(machine.settings, generation=None, is_confirmed=True) == 0
            await within(lambda: _is(service.engine.num_waiting == 3), "the lane holds what it may")
            await publish(machine.broker.bootstrap, [job(number, 2, "Edited.") for number in range(edited)])
            for _ in range(8 * edited):
                await within(lambda: _has_work_or_is_edited(service, edited), "live work has a slot, or is done")
                if await _num_edited(service, edited) == edited:
                    break
                service.engine.permit()
            assert await _num_edited(service, edited) == edited
            behind = [document for document in await documents_of(service.store, count) if document.generation == 0]
            assert len(behind) >= count // 2
            service.engine.unpace()
            await stored(service, count, lambda document: document.generation == 1)
        assert num_reads[0] > 10
        await within(lambda: _is_done(machine, capsys), "the lane is done")
        status = await status_of(machine, capsys)
        documents = {document.job_id: document for document in await documents_of(service.store, count)}
        assert await last_documents(machine.broker.bootstrap) == documents
        assert service.exits == []
    assert (status["generation"], status["remaining"], status["behind"]) == (1, 0, 0)
    assert status["requested"] == status["done"]
    assert status["by_state"] == {"fresh": count, "fallback": 0, "deleted": 0}
    revision = load_bundle(machine.settings.summarizer.bundle, Role.SUMMARIZER).revision
    assert status["revision"] == revision


async def _has_work_or_is_edited(service: Service, count: int) -> bool:
    return service.engine.num_waiting > 3 or await _num_edited(service, count) == count


async def _num_edited(service: Service, count: int) -> int:
    return sum(document.source_version == 2 for document in await documents_of(service.store, count))


async def _is(value: bool) -> bool:
    return value


async def test_paused_it_stops_resumed_it_ends(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """Paused, the lane takes nothing while live updates go on; a second start says that one is under way."""
    count = 40
    async with serving(machine) as service:
        await publish(machine.broker.bootstrap, [job(number) for number in range(count)])
        await stored(service, count, lambda document: document.generation == 0)
        await set_phase(machine.settings, RolloutPhase.PAUSED)
        await within(lambda: _is(service.rollout.is_paused), "the worker knows")
        with pytest.raises(ConfigurationError, match="generations never fall"):
            await start_rollout(machine.settings, generation=0, is_confirmed=True)
        service.engine.pace()
        assert await start_rollout(machine.settings, generation=None, is_confirmed=True) == 0
        await within(lambda: _is(service.engine.num_waiting == 3), "the lane works")
        await set_phase(machine.settings, RolloutPhase.PAUSED)
        await within(lambda: _is(service.rollout.is_paused), "the worker knows")
        service.engine.unpace()
        await within(lambda: _is(service.value("resummarised_total", outcome="resummarized") == 3), "in hand is done")
        num_calls = len(service.engine.calls)
        await publish(machine.broker.bootstrap, [job(0, 2, "Edited.")])
        await within(lambda: _is_version(service, 2), "live updates go on")
        status = await status_of(machine, capsys)
        assert status["is_paused"] is True
        assert status["remaining"] != 0
        assert status["eta_s"] is None
        assert len(service.engine.calls) == num_calls + 1
        with pytest.raises(ConfigurationError, match=r"under way.*precis rollout resume"):
            await start_rollout(machine.settings, generation=None, is_confirmed=True)
        await set_phase(machine.settings, RolloutPhase.RUNNING)
        await stored(service, count, lambda document: document.generation == 1)
        assert service.exits == []


async def _is_version(service: Service, version: int) -> bool:
    (document,) = await documents_of(service.store, 1)
    return document.source_version == version


async def test_what_the_broker_forgot_comes_back_from_the_store(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Restarted in the middle of a roll-out, with fallbacks to mend: generation, rest and fallbacks are asked for."""
    count = 30
    async with serving(replace(machine, budget_s=2.0)) as service:
        await publish(machine.broker.bootstrap, [job(number) for number in range(count)])
        await stored(service, count, lambda document: document.generation == 0)
        service.engine.pace()
        assert await start_rollout(machine.settings, generation=7, is_confirmed=True) == 0
        for _ in range(5):
            await within(lambda: _is(service.engine.num_waiting > 0), "the lane works")
            service.engine.permit()
        await within(lambda: _is(service.value("resummarised_total", outcome="resummarized") >= 5), "some are done")
        service.engine.is_away = True
        await set_phase(machine.settings, RolloutPhase.PAUSED)
        await within(lambda: _is(service.rollout.is_paused), "the worker knows")
        service.engine.unpace()
        await publish(machine.broker.bootstrap, [job(number) for number in range(count, count + 3)])
        await within(lambda: _count(service, count + 3), "stored as fallbacks")
    with EmbeddedBroker(TOPIC_COUNTS) as broker:
        settings = machine.settings.model_copy(
            update={"kafka": machine.settings.kafka.model_copy(update={"bootstrap": broker.bootstrap})}
        )
        again = Machine(broker, settings)
        restored = await restore_embedded(settings, broker.bootstrap)
        assert (restored.generation, restored.num_left) == (7, 0)
        assert restored.num_requested >= 3
        async with serving(again) as service:
            assert service.rollout.generation == 7
            await stored(
                service, count + 3, lambda document: document.generation == 7 and document.state is State.FRESH
            )
            await within(lambda: _is_done(again, capsys), "the lane is done")
        assert (await status_of(again, capsys))["remaining"] == 0


async def test_only_fallbacks_are_mended_without_a_new_generation(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the operator asks for by hand, such as after requests were lost."""
    async with serving(machine) as service:
        await publish(machine.broker.bootstrap, [job(number) for number in range(6)])
        await stored(service, 6, lambda document: document.state is State.FRESH)
        for job_id in job_ids(2):
            kept = await service.store.get(job_id)
            assert kept is not None
            worse = {"state": State.FALLBACK, "summarizer": None, "rev": kept.document.rev + 1}
            assert await service.store.put(kept.document.model_copy(update=worse), cas=kept.cas) is not None
        assert await mend_fallbacks(machine.settings) == 0
        assert "2 fallbacks" in capsys.readouterr().out
        await stored(service, 6, lambda document: document.state is State.FRESH)
        assert (await status_of(machine, capsys))["generation"] == 0
        assert service.value("resummarised_total", outcome="resummarized") == 2
