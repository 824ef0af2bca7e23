"""The oracle and the real processor, run over one log in order and undisturbed, agree on everything they both know."""

from datetime import UTC, datetime
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle import PromptLimits
from ops.chaos.oracle import EndState, Reader, expected_end
from ops.chaos.records import Entry
from ops.chaos.verdict import Seen, compare
from ops.chaos.workload import Workload
from schemas.documents import Origin, State
from schemas.errors import InvalidInput
from schemas.events import decode_update
from store.memory import MemoryStore
from stream.compose import Summary
from tests.doubles.tokenizer import small_tokenizer
from tests.property.stream.writers import run
from tests.unit.stream.builders import MODEL, PureSummaries, RecordedChangelog, make_processor

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READER = Reader(small_tokenizer(), PromptLimits())


def _log(seed: int, num_moves: int) -> list[Entry]:
    moves = islice(Workload(seed, name="job", num_jobs=6).records(), num_moves)
    return [Entry(0, record.seq, record) for move in moves for record in move]


def _processed(entries: list[Entry]) -> Seen:
    """What the services make of the log."""
    store, changelog = MemoryStore(), RecordedChangelog()
    summaries = PureSummaries(lambda body: Summary(READER.summary(body), State.FRESH, MODEL))
    processor = make_processor(store, changelog, summaries)
    dead = set()
    for entry in entries:
        planned = entry.planned
        origin = Origin(log="log", topic="job-updates", partition=0, offset=entry.offset, log_time=NOW)
        try:
            run(processor.process(decode_update(planned.key, planned.value), origin))
        except InvalidInput:
            dead.add((entry.partition, entry.offset))
    job_ids = sorted({entry.planned.job_id for entry in entries if entry.planned.job_id})
    documents = run(store.get_many(job_ids))
    postings = {job_id: run(store.get_posting(job_id)) for job_id in documents}
    published = [(document.job_id, document) for document in changelog.documents]
    return Seen(documents, {key: value for key, value in postings.items() if value}, published, frozenset(dead))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), num_moves=st.integers(1, 60))
def test_the_oracle_agrees_with_the_processor(seed: int, num_moves: int) -> None:
    """Job set, state, versions, headers, hashes, summaries, postings, changelog and dead letters."""
    entries = _log(seed, num_moves)
    end: EndState = expected_end(entries, READER)
    assert compare(end, _processed(entries)) == []


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), num_moves=st.integers(20, 60), data=st.data())
def test_a_log_read_again_from_anywhere_ends_the_same(seed: int, num_moves: int, data: st.DataObject) -> None:
    """What a kill does: the tail once more, in order; dead letters are places, so those of the tail count once."""
    entries = _log(seed, num_moves)
    start = data.draw(st.integers(0, len(entries) - 1))
    assert compare(expected_end(entries, READER), _processed(entries + entries[start:])) == []
