"""The table from errors to actions, and what the handler does about each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from schemas.documents import Origin
from schemas.errors import (
    BackendError,
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    DeadlineExceeded,
    InvalidInput,
    Overloaded,
    PostingTooLarge,
    PromptTooLong,
    UnknownSchema,
    VersionConflict,
)
from schemas.events import Update, encode_update
from store.memory import MemoryStore
from stream.actions import Action, action_for
from stream.attempts import Attempts
from stream.deadletter import DeadLetters
from stream.decide import Outcome
from stream.process import Processed, Processor
from stream.producer import Headers
from stream.record import RecordHandler
from stream.soundness import EngineSoundness
from stream.source import Record
from stream.telemetry import Telemetry
from tests.unit.stream.builders import upsert

TIMEOUT = BackendTimeout("late", backend="store", operation="get")
PROTOCOL = BackendProtocolError("odd", backend="summarizer", operation="complete")


class ScriptedProcessor(Processor):
    """Raises these, one a call, then ends stale.

    Attributes:
        calls: Updates and places it was called with.
    """

    def __init__(self, errors: Iterable[Exception]) -> None:
        self._errors = list(errors)
        self.calls: list[tuple[Update, Origin]] = []

    async def process(self, update: Update, origin: Origin, *, is_backfill: bool = False) -> Processed:
        self.calls.append((update, origin))
        if self._errors:
            raise self._errors.pop(0)
        return Processed(Outcome.STALE, None)


class RecordedPublisher:
    """A publisher that fails as scripted, then records.

    Attributes:
        sent: Topic, key, value and headers of each record.
    """

    def __init__(self, errors: Iterable[Exception] = ()) -> None:
        self._errors = list(errors)
        self.sent: list[tuple[str, bytes | None, bytes | None, dict[str, bytes]]] = []

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.sent.append((topic, key, value, dict(headers)))


async def no_sleep(_: float) -> None:
    """The waits between tries are not what is tested here."""


def make(
    *errors: Exception,
    publisher: RecordedPublisher | None = None,
    retry_budget_s: float = 60.0,
    is_sound: Callable[[BackendProtocolError], Awaitable[bool]] | None = None,
) -> tuple[RecordHandler, ScriptedProcessor, RecordedPublisher, Telemetry]:
    processor, publisher, telemetry = ScriptedProcessor(errors), publisher or RecordedPublisher(), Telemetry()
    attempts = Attempts(
        DeadLetters(publisher, "dlq", log_id="log"),
        max_tries=3,
        retry_budget_s=retry_budget_s,
        pause_s=5.0,
        telemetry=telemetry,
        sleep=no_sleep,
        **({"is_sound": is_sound} if is_sound else {}),
    )
    handler = RecordHandler(processor, attempts, stored=MemoryStore().get, log_id="log", telemetry=telemetry)
    return handler, processor, publisher, telemetry


def record(key: bytes | None = None, value: bytes | None = None) -> Record:
    known_key, known_value = encode_update(upsert(1))
    return Record(
        topic="job-updates",
        partition=2,
        offset=17,
        log_time=datetime(2026, 1, 1, tzinfo=UTC),
        key=known_key if key is None else key,
        value=known_value if value is None else value,
        headers=(("trace", b"t"),),
    )


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (InvalidInput("x"), Action.DEAD_LETTER),
        (UnknownSchema("x"), Action.DEAD_LETTER),
        (PostingTooLarge("x"), Action.DEAD_LETTER),
        (PromptTooLong("x"), Action.DEAD_LETTER),
        (VersionConflict("x"), Action.DEAD_LETTER),
        (Overloaded("x", retry_after_s=1), Action.PAUSE),
        (BackendTimeout("x", backend="b", operation="o"), Action.RETRY),
        (BackendUnavailable("x", backend="b", operation="o"), Action.RETRY),
        (BackendProtocolError("x", backend="b", operation="o"), Action.TRY_AGAIN),
        (BackendError("x", backend="b", operation="o"), Action.TRY_AGAIN),
        (DeadlineExceeded("x"), Action.TRY_AGAIN),
        (ZeroDivisionError(), Action.TRY_AGAIN),
    ],
    ids=lambda parameter: type(parameter).__name__ if isinstance(parameter, Exception) else str(parameter),
)
def test_the_table(error: Exception, action: Action) -> None:
    """Every class of the tree, and what nobody planned for."""
    assert action_for(error) is action


async def test_processed_record_is_finished() -> None:
    """Its place and log reach the processor; its outcome is counted and logged, without any of its text."""
    handler, processor, publisher, telemetry = make()
    with capture_logs() as logs:
        await handler.handle(record())
    (call,) = processor.calls
    assert (call[1].log, call[1].topic, call[1].partition, call[1].offset) == ("log", "job-updates", 2, 17)
    assert publisher.sent == []
    assert telemetry.registry.get_sample_value("precis_nearline_records_total", {"outcome": "stale"}) == 1
    assert [(line["at"], line["outcome"]) for line in logs] == [("job-updates[2]@17", "stale")]
    assert "Night shift" not in str(logs)


async def test_undecodable_record_is_dead_lettered_at_once() -> None:
    """Decoding happens in the handler, so nothing is skipped; the original bytes are kept."""
    handler, processor, publisher, telemetry = make()
    await handler.handle(record(value=b"\xff"))
    assert processor.calls == []
    ((topic, key, value, headers),) = publisher.sent
    assert (topic, key, value) == ("dlq", b"job", b"\xff")
    assert headers["dlq.error"] == b"InvalidInput"
    assert headers["dlq.attempts"] == b"1"
    assert headers["trace"] == b"t"
    assert telemetry.registry.get_sample_value("precis_nearline_dead_letters_total", {"error": "InvalidInput"}) == 1


async def test_conflict_is_dead_lettered_with_its_class() -> None:
    """Errors of processing are dead letters too."""
    handler, _, publisher, _ = make(VersionConflict("taken"))
    await handler.handle(record())
    assert publisher.sent[0][3]["dlq.error"] == b"VersionConflict"
    assert publisher.sent[0][3]["dlq.message"] == b"taken"


async def test_overload_is_the_callers_pause() -> None:
    """It is not an attempt, and nothing is dead-lettered."""
    handler, _, publisher, _ = make(*[Overloaded("full", retry_after_s=7)] * 9)
    for _ in range(9):
        with pytest.raises(Overloaded) as caught:
            await handler.handle(record())
        assert caught.value.retry_after_s == 7
    await handler.handle(record())
    assert publisher.sent == []


async def test_outage_is_retried_far_beyond_the_tries_of_a_bad_record() -> None:
    """It is not the record's fault."""
    handler, processor, publisher, telemetry = make(*[TIMEOUT] * 20)
    await handler.handle(record())
    assert len(processor.calls) == 21
    assert publisher.sent == []
    assert telemetry.registry.get_sample_value("precis_nearline_retries_total", {"error": "BackendTimeout"}) == 20


async def test_outage_beyond_the_budget_pauses() -> None:
    """The record is not finished: the worker stops pulling and calls again with it."""
    handler, _, publisher, _ = make(TIMEOUT, retry_budget_s=0.0)
    with pytest.raises(Overloaded, match="BackendTimeout") as caught:
        await handler.handle(record())
    assert caught.value.retry_after_s == 5.0
    assert caught.value.__cause__ is TIMEOUT
    await handler.handle(record())
    assert publisher.sent == []


@pytest.mark.parametrize("error", [PROTOCOL, ZeroDivisionError("division by zero")])
async def test_what_may_be_the_record_is_tried_three_times(error: Exception) -> None:
    """Twice is forgiven; the third time it is dead-lettered with its class."""
    handler, processor, publisher, _ = make(error, error)
    await handler.handle(record())
    assert len(processor.calls) == 3
    assert publisher.sent == []

    handler, processor, publisher, telemetry = make(error, error, error)
    await handler.handle(record())
    assert len(processor.calls) == 3
    assert publisher.sent[0][3]["dlq.error"] == type(error).__name__.encode()
    assert publisher.sent[0][3]["dlq.attempts"] == b"3"
    label = "BackendProtocolError" if error is PROTOCOL else "Unexpected"
    assert telemetry.registry.get_sample_value("precis_nearline_dead_letters_total", {"error": label}) == 1


async def test_an_outage_is_not_held_against_the_record() -> None:
    """Two answers in another form after many failures of a backend that was away: still tried a third time."""
    away, odd = (
        BackendUnavailable("x", backend="b", operation="o"),
        BackendProtocolError("x", backend="b", operation="o"),
    )
    handler, processor, publisher, _ = make(*[away] * 7, odd, away, odd)
    await handler.handle(record())
    assert len(processor.calls) == 11
    assert publisher.sent == []


async def test_engine_that_fails_its_canaries_is_waited_for() -> None:
    """Answers in another form to everybody: nothing is dead-lettered, nothing finished; with sound canaries it is."""
    odd = BackendProtocolError("x", backend="summarizer", operation="o")
    checks = 0

    async def check() -> None:
        nonlocal checks
        checks += 1
        if checks == 1:
            raise BackendProtocolError("other text", backend="summarizer", operation="canaries")

    soundness = EngineSoundness("summarizer", check)
    handler, _, publisher, _ = make(*[odd] * 4, is_sound=soundness.is_sound)
    with pytest.raises(Overloaded) as refused:
        await handler.handle(record())
    assert refused.value.retry_after_s == 5.0
    assert publisher.sent == []
    await handler.handle(record())
    assert [headers["dlq.error"] for _, _, _, headers in publisher.sent] == [b"BackendProtocolError"]
    assert checks == 4


async def test_records_that_doubt_the_engine_at_once_share_one_check() -> None:
    """Sixteen records in flight meet one broken engine: it is asked its canaries once; other backends have none."""
    checks = 0

    async def check() -> None:
        nonlocal checks
        checks += 1
        await asyncio.sleep(0)

    soundness = EngineSoundness("summarizer", check)
    odd = BackendProtocolError("x", backend="summarizer", operation="o")
    assert all(await asyncio.gather(*(soundness.is_sound(odd) for _ in range(16))))
    assert checks == 1
    assert await soundness.is_sound(BackendProtocolError("x", backend="store", operation="o"))
    assert checks == 1


async def test_record_is_not_finished_before_its_dead_letter_is_durable() -> None:
    """The broker away: the dead letter is tried again, then the worker pauses with the record unfinished."""
    away = BackendUnavailable("away", backend="kafka", operation="publish")
    publisher = RecordedPublisher([away, away])
    handler, _, _, _ = make(publisher=publisher)
    await handler.handle(record(value=b"\xff"))
    assert len(publisher.sent) == 1

    publisher = RecordedPublisher([away])
    handler, _, _, telemetry = make(publisher=publisher, retry_budget_s=0.0)
    with pytest.raises(Overloaded):
        await handler.handle(record(value=b"\xff"))
    assert publisher.sent == []
    assert telemetry.registry.get_sample_value("precis_nearline_dead_letters_total", {"error": "InvalidInput"}) is None


async def test_dead_letter_that_cannot_be_published_stops_the_worker() -> None:
    """Neither finished nor an outage: going on would lose the record."""
    too_large = BackendProtocolError("too large", backend="kafka", operation="publish")
    handler, _, _, _ = make(publisher=RecordedPublisher([too_large]))
    with pytest.raises(BackendProtocolError, match="too large"):
        await handler.handle(record(value=b"\xff"))
