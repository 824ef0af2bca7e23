"""The race to serve a stale score: a call reads v1, nearline writes v2 and invalidates, v1's score comes late.

The late score may be that of a refresh: each hit is refreshed here, however young.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from schemas.deadline import Deadline
from schemas.documents import ScoreEntry, State, SummaryDocument
from serve.cache import ScoreCache
from serve.calls import Answer, Call
from serve.telemetry import Stages
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of
from tests.property.serve.mutants import assert_caught
from tests.property.serve.turnstile import SteppedRanker, SteppedStore, Turnstile, build_scorer, prompt, settle

_JOBS = ("job-a", "job-b")
_QUERIES = ("night shift nurse", "python engineer")
# Texts that share words with the queries to different degrees, so that versions have different scores.
_SUMMARIES = ("night shift", "part time nurse in Berlin", "python and kafka", "remote work", "engineer, night shift")
_SETTINGS = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@dataclass
class _Sent:
    """A call under way, and what stood in the store when it was sent."""

    query: str
    job_ids: Sequence[str]
    task: "asyncio.Task[Answer]"
    acknowledged: dict[str, int]
    """Index into the job's history of the last write acknowledged before the call."""


@dataclass
class _World:
    store: MemoryStore = field(default_factory=MemoryStore)
    history: dict[str, list[SummaryDocument]] = field(default_factory=lambda: {job_id: [] for job_id in _JOBS})
    sent: list[_Sent] = field(default_factory=list)
    num_checked: int = 0


class ScorerRace(RuleBasedStateMachine):
    """Calls, writes and deliveries in any order; every answer is checked against the history of acknowledged writes."""

    cache_type: type[ScoreCache] = ScoreCache
    store_type: type[SteppedStore] = SteppedStore

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = _World()
        self.turnstile = Turnstile()
        self.scorer, self.refresher, self.lane = self._run(self._build())
        for job_id in _JOBS:
            self._write(job_id, _document(job_id, _SUMMARIES[0], 1))

    async def _build(self) -> Any:
        store = self.store_type(self.world.store, self.turnstile)
        return build_scorer(store, SteppedRanker(self.turnstile), cache_type=self.cache_type)

    def _run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    def _write(self, job_id: str, document: SummaryDocument) -> None:
        """What nearline does: write by compare-and-swap, then remove the old scores. Acknowledged when it returns."""

        async def apply() -> None:
            stored = await self.world.store.get(job_id)
            assert await self.world.store.put(document, cas=stored.cas if stored else None)
            await self.world.store.forget_job(job_id)

        self._run(apply())
        self.world.history[job_id].append(document)

    @rule(job_id=st.sampled_from(_JOBS), summary=st.sampled_from(_SUMMARIES))
    def edit(self, job_id: str, summary: str) -> None:
        self._write(job_id, _document(job_id, summary, len(self.world.history[job_id]) + 1))

    @rule(job_id=st.sampled_from(_JOBS))
    def delete(self, job_id: str) -> None:
        last = self.world.history[job_id][-1]
        self._write(job_id, last.model_copy(update={"state": State.DELETED, "rev": last.rev + 1}))

    @rule(query=st.sampled_from(_QUERIES), job_ids=st.lists(st.sampled_from(_JOBS), min_size=1, max_size=4))
    def send(self, query: str, job_ids: list[str]) -> None:
        call = Call(query=query, candidates=job_ids, deadline=Deadline.after(3600), depth_max=1000)
        acknowledged = {job_id: len(versions) - 1 for job_id, versions in self.world.history.items()}
        task = self.loop.create_task(self.scorer.score(call, Stages()))
        self.world.sent.append(_Sent(query, job_ids, task, acknowledged))
        self._run(settle())

    @precondition(lambda self: self.turnstile.num_waiting)
    @rule(data=st.data())
    def let_one_step_on(self, data: st.DataObject) -> None:
        self.turnstile.release(data.draw(st.integers(0, self.turnstile.num_waiting - 1)))
        self._run(settle())

    @precondition(lambda self: self.turnstile.num_waiting)
    @rule()
    def let_all_finish(self) -> None:
        while self.turnstile.num_waiting:
            self.turnstile.release(0)
            self._run(settle())

    @invariant()
    def answers_are_neither_stale_nor_swapped(self) -> None:
        done = [sent for sent in self.world.sent if sent.task.done()]
        self.world.sent = [sent for sent in self.world.sent if not sent.task.done()]
        for sent in done:
            self.world.num_checked += 1
            for job_id, result in zip(sent.job_ids, sent.task.result().results, strict=True):
                self._check(sent, job_id, result)

    def _check(self, sent: _Sent, job_id: str, result: Any) -> None:
        current = self.world.history[job_id][sent.acknowledged[job_id] :]
        assert result.document in current, "superseded by a write that was acknowledged before the call was sent"
        if result.score is None:
            assert result.document.is_deleted
            return
        assert not result.document.is_deleted
        assert result.item.version == result.document.item_version
        text = next(document for document in current if document.item_version == result.item.version)
        assert result.score == _score(sent.query, text), "the score of another item version"

    def teardown(self) -> None:
        try:
            self.let_all_finish()
            self._run(self.refresher.close())
            self._run(self.lane.close())
            self._run(settle())
            self.answers_are_neither_stale_nor_swapped()
            assert not self.world.sent
        finally:
            self.loop.close()


def _document(job_id: str, summary: str, version: int) -> SummaryDocument:
    """With its token ids: a scorer that had to make them would do so in a thread, whose end no test can place."""
    document = summary_of(job_id, summary, source_version=version, rev=version)
    ids = tuple(prompt().item_ids(document.header, document.summary))
    return document.model_copy(update={"item_tokens": {prompt().digest: ids}})


def _score(query: str, document: SummaryDocument) -> float:
    """What the lexical ranker gives, computed apart."""
    wanted = set(prompt().query_ids(query))
    return (1 + len(wanted & set(prompt().item_ids(document.header, document.summary)))) / (2 + len(wanted))


def test_no_interleaving_returns_a_stale_or_swapped_score():
    """In any order of steps no answer shows what an acknowledged write superseded, nor another version's score."""
    run_state_machine_as_test(ScorerRace, settings=_SETTINGS)


class _CacheHitWithoutVersion(ScoreCache):
    def _accepts(self, entry: ScoreEntry, item_version: str, now: datetime) -> bool:
        del entry, item_version, now
        return True


class _RemembersSummaries(SteppedStore):
    """A near-cache without a check of versions: what was read once is never read again."""

    def __init__(self, inner: MemoryStore, turnstile: Turnstile) -> None:
        super().__init__(inner, turnstile)
        self._read: dict[str, SummaryDocument] = {}

    async def get_many(self, job_ids: Sequence[str]) -> dict[str, SummaryDocument]:
        missing = [job_id for job_id in job_ids if job_id not in self._read]
        self._read |= await super().get_many(missing)
        return {job_id: self._read[job_id] for job_id in job_ids}


def _mutant(**parts: Any) -> Callable[[], RuleBasedStateMachine]:
    return type("Mutant", (ScorerRace,), parts)


@pytest.mark.parametrize(
    ("parts", "symptom"),
    [
        ({"cache_type": _CacheHitWithoutVersion}, "another item version"),
        ({"store_type": _RemembersSummaries}, "superseded"),
    ],
    ids=["cache-hit-without-version", "near-cache-without-version-check"],
)
def test_mutants_are_caught(parts: dict[str, Any], symptom: str):
    """The test above fails on a scorer that lacks the check: it can see what it is there for."""
    assert_caught(_mutant(**parts), symptom, of=_SETTINGS)
