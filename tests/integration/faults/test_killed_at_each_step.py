"""SIGKILL of the worker at each step of DESIGN 4, on real processes and the embedded profile.

A worker is started so that it dies at one step of one job; what stands then is looked at, so that the kill hit where it
says. The next worker takes over, dies at the next step, and so on; the last one dies nowhere. Then all must be as the
oracle says. The chains run side by side, each in a world of its own: a world mostly waits for the group to notice.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.chaos.bundles import Bundles, write_bundles
from ops.chaos.engine.moods import Mood
from ops.chaos.oracle import Reader
from ops.chaos.report import SegmentReport
from ops.chaos.settle import Settlement
from ops.chaos.site.embedded import EmbeddedSite
from ops.chaos.site.world import Death, World
from ops.chaos.updates import UpdateLog, read_all
from ops.settings import load_settings
from schemas.documents import State, SummaryDocument
from schemas.resummarise import Reason, ResummariseRequest
from tests.integration.faults.script import Script
from tests.integration.stream.kafka import eventually

_LIMIT_S = 300

POSTING, DOCUMENT, CHANGELOG, COMMIT = "posting", "document", "changelog", "commit"


@dataclass(frozen=True)
class Kill:
    """A step, and what has been done when the worker dies there.

    Attributes:
        step: As ``ops.chaos.launch.steps`` names it.
        done: What the store, the changelog and the group have of the record at work.
        call: Which call of the step.
    """

    step: str
    done: tuple[str, ...]
    call: int = 1


UPSERT = (
    Kill("get", ()),
    Kill("summarize", ()),
    Kill("put_live", ()),
    Kill("forget_job", (POSTING, DOCUMENT)),
    Kill("publish", (POSTING, DOCUMENT)),
    Kill("publish:after", (POSTING, DOCUMENT, CHANGELOG)),
    Kill("is_current:after", (POSTING, DOCUMENT, CHANGELOG)),  # looked again, not yet committed
)
DELETE = (
    Kill("put", (POSTING,)),
    Kill("remove_posting", (POSTING, DOCUMENT), call=1),
    Kill("remove_posting:after", (DOCUMENT,), call=1),
)
FALLBACK = (
    Kill("request", (POSTING, DOCUMENT, CHANGELOG)),
    Kill("request:after", (POSTING, DOCUMENT, CHANGELOG)),
)
RESUMMARISE = (
    Kill("get", ()),
    Kill("get_posting", ()),
    Kill("summarize", ()),
    Kill("put", ()),
    Kill("forget_job", (DOCUMENT,)),
    Kill("publish:after", (DOCUMENT, CHANGELOG)),
)
LIVE_COMMIT = (Kill("commit", ()), Kill("commit:after", (COMMIT,)))


@dataclass
class Chain:
    """One world whose workers are killed one after the other.

    Attributes:
        script: What is published.
        world: Engine and workers.
        log: The topics.
        store: What is looked at.
    """

    site: EmbeddedSite
    world: World
    log: UpdateLog
    store: Any
    reader: Reader
    script: Script = field(default_factory=Script)

    def worker(self, kill: Kill, *, about: str) -> str:
        """Start a worker that will die there."""
        return self.world.add_worker(death=Death(kill.step, about, kill.call))

    async def killed(self, name: str) -> None:
        """Wait until it has killed itself; nobody starts it again."""
        async with asyncio.timeout(_LIMIT_S):
            assert await self.world.keeper.wait_ended(name) == -signal.SIGKILL, name
        self.world.keeper.forget(name)

    async def document(self, job_id: str) -> SummaryDocument | None:
        """As it is stored."""
        kept = await self.store.get(job_id)
        return kept.document if kept else None

    async def published(self, job_id: str) -> list[SummaryDocument]:
        """Every record of the job in the changelog."""
        records = await read_all(self.site.bootstrap, self.site.topics.summaries)
        documents = [SummaryDocument.model_validate_json(record.value or b"") for record in records]
        return [document for document in documents if document.job_id == job_id]

    async def are_all_fresh(self) -> bool:
        """Whether no summary waits to be mended."""
        documents = await self.store.get_many(self.script.job_ids)
        return all(document.state is not State.FALLBACK for document in documents.values())

    async def settled(self) -> list[str]:
        """Let a worker live, wait until it is done; what is not as the oracle says."""
        self.world.add_worker()
        report = SegmentReport(0)
        settlement = Settlement(self.script, self.log, self.store, self.reader, self.site.topics)  # type: ignore[arg-type]
        # Before the settlement, which would mend by an update what the lane leaves.
        await eventually(self.log.is_through, "all is committed", within_s=_LIMIT_S)
        await eventually(self.are_all_fresh, "the lane has mended every fallback", within_s=_LIMIT_S)
        await settlement.run(report)
        assert report.updates == len(self.script.planned)
        return report.details


@asynccontextmanager
async def _chain(directory: Path, bundles: Bundles, number: int) -> AsyncIterator[Chain]:
    directory.mkdir()
    with EmbeddedSite(directory) as site:
        site.session_timeout_s = 1.5  # a killed member is waited for this long
        site.overrides |= {"nearline.summary_budget_s": "1"}
        world = World(site, directory=directory, bundles=bundles, mutant=None, seed=number)
        store = await site.open_store()
        try:
            world.start_engine()
            async with UpdateLog(site.bootstrap, site.topics, world.group) as log:
                yield Chain(site, world, log, store, Reader(bundles.tokenizer, bundles.limits))
        finally:
            await world.stop()
            await store.close()


async def _upserts(chain: Chain) -> None:
    for number, kill in enumerate(UPSERT):
        job_id = f"upsert-{number}"
        worker = chain.worker(kill, about=job_id)
        await chain.log.publish(chain.script.put(job_id))
        await chain.killed(worker)
        done = [POSTING] * (await chain.store.get_posting(job_id) is not None)
        done += [DOCUMENT] * (await chain.document(job_id) is not None)
        done += [CHANGELOG] * bool(await chain.published(job_id))
        assert tuple(done) == kill.done, kill


async def _commits(chain: Chain) -> None:
    """Of the first record, so that nothing else can be what is committed."""
    await chain.log.publish(chain.script.put("commit-0"))
    for kill in LIVE_COMMIT:
        await chain.killed(chain.worker(kill, about=chain.site.topics.updates))
        assert await chain.published("commit-0") != []
        assert await chain.log.num_uncommitted() == (0 if COMMIT in kill.done else 1), kill


async def _deletes(chain: Chain) -> None:
    for number, kill in enumerate(DELETE):
        job_id = f"delete-{number}"
        worker = chain.worker(kill, about=job_id)
        await chain.log.publish(chain.script.put(job_id) + chain.script.delete(job_id))
        await chain.killed(worker)
        document = await chain.document(job_id)
        done = [POSTING] * (await chain.store.get_posting(job_id) is not None)
        done += [DOCUMENT] * (document is not None and document.is_deleted)
        done += [CHANGELOG] * any(deleted.is_deleted for deleted in await chain.published(job_id))
        assert tuple(done) == kill.done, kill


async def _fallbacks(chain: Chain) -> None:
    """The engine is away, longer than a summary may take: what is stored is owed a better one (7)."""
    for number, kill in enumerate(FALLBACK):
        job_id = f"fallback-{number}"
        worker = chain.worker(kill, about=job_id)
        await chain.world.wait_up()  # canaries need the engine
        await chain.world.order(Mood.UNREADY)
        await chain.log.publish(chain.script.put(job_id))
        await chain.killed(worker)
        await chain.world.order(Mood.WELL)
        document = await chain.document(job_id)
        assert document is not None, kill
        assert document.state is State.FALLBACK, kill
        requests = await read_all(chain.site.bootstrap, chain.site.topics.resummarise)
        is_asked_for = job_id.encode() in {record.key for record in requests}
        assert is_asked_for == kill.step.endswith(":after"), kill


async def _resummaries(chain: Chain) -> None:
    """Another lane, the same jobs: a new generation is asked for, of what a worker that nobody hurt has stored."""
    jobs = {f"again-{number}": kill for number, kill in enumerate(RESUMMARISE)}
    first = chain.world.add_worker()
    for job_id in jobs:
        await chain.log.publish(chain.script.put(job_id))
    await eventually(chain.log.is_through, "the jobs are stored", within_s=_LIMIT_S)
    chain.world.keeper.signal(first, signal.SIGKILL)
    await chain.killed(first)
    for job_id, kill in jobs.items():
        worker = chain.worker(kill, about=job_id)
        await chain.log.ask_anew(ResummariseRequest(job_id=job_id, reason=Reason.ROLLOUT, generation=1))
        await chain.killed(worker)
        document = await chain.document(job_id)
        assert document is not None, kill
        done = [DOCUMENT] * document.generation
        done += [CHANGELOG] * any(published.generation for published in await chain.published(job_id))
        assert tuple(done) == kill.done, kill


async def test_a_worker_killed_at_any_step_loses_nothing(tmp_path: Path) -> None:
    """Job set, state, version, header, hash, summary, posting, changelog and dead letters are the undisturbed ones."""
    bundles = write_bundles(tmp_path / "bundles", load_settings().summarizer.bundle / "tokenizer.json")

    async def run(number: int, kills: Any) -> list[str]:
        async with _chain(tmp_path / f"world-{number}", bundles, number) as chain:
            await kills(chain)
            details = await chain.settled()
            documents = await chain.store.get_many(chain.script.job_ids)
        if kills is _resummaries:
            assert {document.generation for document in documents.values()} == {1}
        return details

    chains = (_upserts, _commits, _deletes, _fallbacks, _resummaries)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(number, kills)) for number, kills in enumerate(chains)]
    assert [detail for task in tasks for detail in task.result()] == []
