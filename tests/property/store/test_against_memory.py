"""The SQLite store does what the store in memory does, whatever the sequence of calls."""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from schemas.documents import State
from store.memory import MemoryStore
from store.ports import Cas, StoredSummary
from store.sqlite import SqliteStore
from tests.doubles.clock import ManualClock
from tests.doubles.documents import posting_document, score_entry, summary_document

T = TypeVar("T")

JOBS = ["job-1", "job-2", "jöb 3"]
QUERIES = ["query-1", "query-2"]
jobs = st.sampled_from(JOBS)
queries = st.sampled_from(QUERIES)
versions = st.integers(1, 5)


def document_of(stored: StoredSummary | None) -> object:
    """What must be equal; tokens need not be."""
    return stored.document if stored else None


class StoreMachine(RuleBasedStateMachine):
    """Runs every call on both stores and compares what they say."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._directory = tempfile.TemporaryDirectory()
        self._clock = ManualClock()
        self._memory = MemoryStore(clock=self._clock)
        self._tokens: list[tuple[Cas | None, Cas | None]] = [(None, None)]
        self._rev = 0

    @initialize()
    def open(self) -> None:
        self._sqlite = self._run(
            SqliteStore.open(Path(self._directory.name) / "store.db", clock=self._clock, synchronous="NORMAL")
        )

    @rule()
    def open_again(self) -> None:
        self._run(self._sqlite.close())
        self.open()

    @rule(seconds=st.sampled_from([1, 59, 61, 400, 900]))
    def wait(self, seconds: int) -> None:
        self._clock.advance(seconds)

    @rule(
        job_id=jobs,
        state=st.sampled_from(State),
        ttl_s=st.sampled_from([None, 60.0, 500.0]),
        is_fresh=st.booleans(),
        data=st.data(),
    )
    def put(self, job_id: str, state: State, ttl_s: float | None, is_fresh: bool, data: st.DataObject) -> None:
        self._rev += 1
        document = summary_document(job_id, state=state, rev=self._rev)
        tokens = self._current_tokens(job_id) if is_fresh else data.draw(st.sampled_from(self._tokens))
        written = (
            self._run(self._memory.put(document, cas=tokens[0], ttl_s=ttl_s)),
            self._run(self._sqlite.put(document, cas=tokens[1], ttl_s=ttl_s)),
        )
        assert (written[0] is None) == (written[1] is None)
        if written[0] is not None:
            assert written not in self._tokens
            self._tokens.append(written)

    @rule(job_id=jobs, version=versions, body=st.sampled_from(["a", "b"]))
    def put_posting(self, job_id: str, version: int, body: str) -> None:
        document = posting_document(job_id, version, body=body)
        assert self._run(self._memory.put_posting(document)) == self._run(self._sqlite.put_posting(document))

    @rule(job_id=jobs, bound=versions)
    def remove_posting(self, job_id: str, bound: int) -> None:
        self._run(self._memory.remove_posting(job_id, up_to_version=bound))
        self._run(self._sqlite.remove_posting(job_id, up_to_version=bound))

    @rule(
        query=queries,
        scored=st.dictionaries(jobs, st.tuples(st.sampled_from([0, 1, 100, 850, 899]), st.sampled_from([0.25, 0.5]))),
    )
    def merge_scores(self, query: str, scored: dict[str, tuple[int, float]]) -> None:
        entries = {
            job_id: score_entry(score, scored_at=self._clock.ago(age)) for job_id, (age, score) in scored.items()
        }
        assert self._run(self._memory.merge_scores(query, entries))
        assert self._run(self._sqlite.merge_scores(query, entries))

    @rule(job_id=jobs)
    def forget_job(self, job_id: str) -> None:
        assert self._run(self._memory.forget_job(job_id)) == self._run(self._sqlite.forget_job(job_id))

    @invariant()
    def reads_agree(self) -> None:
        for job_id in JOBS:
            assert document_of(self._run(self._memory.get(job_id))) == document_of(self._run(self._sqlite.get(job_id)))
            assert self._run(self._memory.get_posting(job_id)) == self._run(self._sqlite.get_posting(job_id))
        assert self._run(self._memory.get_many(JOBS)) == self._run(self._sqlite.get_many(JOBS))
        for query in QUERIES:
            assert self._run(self._memory.get_scores(query, JOBS)) == self._run(self._sqlite.get_scores(query, JOBS))

    @invariant()
    def index_holds_the_postings(self) -> None:
        postings = {job_id for job_id in JOBS if self._run(self._memory.get_posting(job_id))}
        summaries = self._run(self._memory.get_many(JOBS))
        deleted = {job_id for job_id, document in summaries.items() if document.is_deleted}
        found = {hit.job_id for hit in self._run(self._sqlite.search("nurse", limit=10))}
        assert found == postings - deleted

    def teardown(self) -> None:
        self._run(self._sqlite.close())
        self._runner.close()
        self._directory.cleanup()

    def _current_tokens(self, job_id: str) -> tuple[Cas | None, Cas | None]:
        in_memory, in_sqlite = self._run(self._memory.get(job_id)), self._run(self._sqlite.get(job_id))
        return in_memory.cas if in_memory else None, in_sqlite.cas if in_sqlite else None

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(call)


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestStoreMachine = StoreMachine.TestCase
