"""Records, documents and parts of the nearline service, as the suites of ``stream`` make them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from models.bundle import PromptLimits
from models.prompts import RankerPrompt
from schemas.documents import Origin, State, SummarizerId, SummaryDocument
from schemas.errors import BackendUnavailable
from schemas.events import Delete, Tombstone, Upsert
from schemas.posting import JobId
from schemas.resummarise import ResummariseRequest
from schemas.rollout import RolloutState
from store.memory import MemoryStore
from stream.compose import Composer, Summary
from stream.content import read_content
from stream.mending import Mending
from stream.process import NearlineStore, Processor, SummaryMaker
from stream.resummarise import Resummariser
from stream.telemetry import Telemetry
from tests.doubles.tokenizer import small_tokenizer

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = SummarizerId(model="pure", revision="r1", prompt_version="summarizer/1")
DELETED_TTL_S = 30 * 86_400.0
BACKFILL_TOPIC = "job-updates.backfill"


def origin(
    offset: int, *, partition: int = 0, log: str = "log", minutes: int | None = None, topic: str = "job-updates"
) -> Origin:
    """A place; its log time is one minute an offset unless told."""
    log_time = EPOCH + timedelta(minutes=offset if minutes is None else minutes)
    return Origin(log=log, topic=topic, partition=partition, offset=offset, log_time=log_time)


def upsert(
    version: int, body: str = "Night shift.", title: str = "Nurse", job_id: str = "job", *, minutes: int = 0
) -> Upsert:
    """A posting of two fields; ``minutes`` after the epoch is when it changed."""
    posting = {"@type": "JobPosting", "title": title, "description": body}
    event_time = EPOCH + timedelta(minutes=minutes)
    return Upsert(job_id=job_id, version=version, event_time=event_time, posting=posting)


def delete(version: int, job_id: str = "job", *, minutes: int = 0) -> Delete:
    """An explicit delete; ``minutes`` after the epoch is when it happened."""
    return Delete(job_id=job_id, version=version, event_time=EPOCH + timedelta(minutes=minutes))


def tombstone(job_id: str = "job") -> Tombstone:
    """A record without a value."""
    return Tombstone(JobId(job_id))


def composer() -> Composer:
    """Over the small tokenizer, with the default limits."""
    limits = PromptLimits()
    return Composer(RankerPrompt(small_tokenizer(), limits), limits)


def pure_summary(body: str) -> Summary:
    """What ``PureSummaries`` says of a body: a function of the body alone."""
    return Summary(f"summary of {body[:40]}", State.FRESH, MODEL)


def stored(update: Upsert, *, at: int = 1, summary: Summary | None = None) -> SummaryDocument:
    """The document that this upsert leaves in an empty store."""
    content = read_content(update.posting)
    made = composer()
    return made.live(
        update,
        content,
        made.header(content),
        summary or pure_summary(content.read.body),
        origin=origin(at),
        previous=None,
        now=EPOCH,
    )


class PureSummaries:
    """``SummaryMaker``: a pure function of the body.

    Attributes:
        bodies: What was asked for, in order.
    """

    def __init__(self, answer: Callable[[str], Summary] = pure_summary) -> None:
        self._answer = answer
        self.bodies: list[str] = []

    async def summarize(self, body: str) -> Summary:
        self.bodies.append(body)
        await asyncio.sleep(0)
        return self._answer(body)


class RecordedChangelog:
    """``Changelog``: a list. Gives way before and after the append, so that races and lost acknowledgements show.

    Attributes:
        documents: What was appended, in order.
    """

    def __init__(self) -> None:
        self.documents: list[SummaryDocument] = []

    async def publish(self, document: SummaryDocument) -> None:
        await asyncio.sleep(0)
        self.documents.append(document)
        await asyncio.sleep(0)

    def last(self, job_id: str = "job") -> SummaryDocument | None:
        """The last record of a key."""
        return next((document for document in reversed(self.documents) if document.job_id == job_id), None)


class SteppingClock:
    """Each look is one millisecond later."""

    def __init__(self) -> None:
        self._now = EPOCH

    def __call__(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now


class KnownRollout:
    """``RolloutSource``: what the test says.

    Attributes:
        state: The latest roll-out; a test may change it.
        written: One that was started and not heard of yet.
        is_away: The broker cannot be asked.
    """

    def __init__(self, state: RolloutState | None = None) -> None:
        self.state = state or RolloutState()
        self.written: RolloutState | None = None
        self.is_away = False

    async def catch_up(self) -> None:
        """Hear of it."""
        if self.is_away:
            raise BackendUnavailable("no broker", backend="kafka", operation="read job-rollouts")
        self.state = self.written or self.state


class RecordedRequests:
    """``Requests``: a list. Gives way before and after the append, so that races and lost acknowledgements show.

    Attributes:
        requests: What was appended, in order.
    """

    def __init__(self) -> None:
        self.requests: list[ResummariseRequest] = []

    async def publish(self, request: ResummariseRequest) -> None:
        await asyncio.sleep(0)
        self.requests.append(request)
        await asyncio.sleep(0)


def make_mending(
    rollout: KnownRollout | None = None,
    requests: RecordedRequests | None = None,
    *,
    revision: str = "r1",
    telemetry: Telemetry | None = None,
) -> Mending:
    """What a worker asks the re-summarise lane with; no roll-out, and nobody reads the requests, unless given."""
    return Mending(
        rollout or KnownRollout(),
        requests or RecordedRequests(),
        revision=revision,
        telemetry=telemetry or Telemetry(),
    )


def make_processor(
    store: NearlineStore | None = None,
    changelog: RecordedChangelog | None = None,
    summarizer: SummaryMaker | None = None,
    telemetry: Telemetry | None = None,
    mending: Mending | None = None,
    kind: type[Processor] = Processor,
) -> Processor:
    """A processor whose parts are in memory unless given."""
    return kind(
        store=store or MemoryStore(),
        summarizer=summarizer or PureSummaries(),
        changelog=changelog or RecordedChangelog(),
        composer=composer(),
        clock=SteppingClock(),
        deleted_ttl_s=DELETED_TTL_S,
        telemetry=telemetry or Telemetry(),
        mending=mending or make_mending(),
    )


def make_resummariser(
    store: NearlineStore,
    changelog: RecordedChangelog | None = None,
    summarizer: SummaryMaker | None = None,
    telemetry: Telemetry | None = None,
    mending: Mending | None = None,
    kind: type[Resummariser] = Resummariser,
) -> Resummariser:
    """The re-summarise lane's worker over a store; its other parts are in memory unless given."""
    return kind(
        store=store,
        summarizer=summarizer or PureSummaries(),
        changelog=changelog or RecordedChangelog(),
        composer=composer(),
        mending=mending or make_mending(),
        clock=SteppingClock(),
        telemetry=telemetry or Telemetry(),
    )
