"""One worker of the re-summarise lane, with an engine, requests and roll-outs that a test decides about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from schemas.documents import PostingDocument, State, SummarizerId, SummaryDocument
from schemas.errors import PrecisError
from schemas.resummarise import Reason, ResummariseRequest, encode_request
from store.memory import MemoryStore
from stream.attempts import Attempts
from stream.compose import Summary
from stream.content import read_content
from stream.deadletter import DeadLetters
from stream.resummarise import ResummariseHandler, Resummariser
from stream.resummarise_policy import LaneOutcome
from stream.source import Record
from stream.telemetry import Telemetry
from tests.unit.stream.builders import (
    EPOCH,
    KnownRollout,
    RecordedChangelog,
    RecordedRequests,
    make_mending,
    make_resummariser,
    stored,
    upsert,
)

NEW = SummarizerId(model="pure", revision="r2", prompt_version="summarizer/1")
OLD_TEXT, NEW_TEXT = "summary of Night shift.", "the new model's words"


def rollout_request(generation: int = 1, revision: str | None = None, job_id: str = "job") -> ResummariseRequest:
    return ResummariseRequest(job_id=job_id, reason=Reason.ROLLOUT, generation=generation, revision=revision)


FALLBACK_REQUEST = ResummariseRequest(job_id="job", reason=Reason.FALLBACK, generation=0)


class Engine:
    """``SummaryMaker``: the new model, unless the test says otherwise.

    Attributes:
        answer: What it does next; a test may change it.
    """

    def __init__(self) -> None:
        self.answer: Callable[[str], Summary] = lambda _: Summary(NEW_TEXT, State.FRESH, NEW)
        self.num_calls = 0

    async def summarize(self, body: str) -> Summary:
        self.num_calls += 1
        return self.answer(body)

    def fails(self, cause: str) -> None:
        self.answer = lambda body: Summary(f"start of {body}", State.FALLBACK, None, cause=cause)

    def raises(self, error: PrecisError) -> None:
        def answer(_: str) -> Summary:
            raise error

        self.answer = answer


class ManualSeconds:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class RecordedLetters:
    """``Publisher`` of dead letters."""

    def __init__(self) -> None:
        self.sent: list[dict[str, bytes]] = []

    async def send(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()
    ) -> None:
        self.sent.append(dict(headers))


@dataclass
class Lane:
    """One worker of the lane and all it works with."""

    store: MemoryStore = field(default_factory=MemoryStore)
    engine: Engine = field(default_factory=Engine)
    changelog: RecordedChangelog = field(default_factory=RecordedChangelog)
    requests: RecordedRequests = field(default_factory=RecordedRequests)
    rollout: KnownRollout = field(default_factory=KnownRollout)
    letters: RecordedLetters = field(default_factory=RecordedLetters)
    telemetry: Telemetry = field(default_factory=Telemetry)
    seconds: ManualSeconds = field(default_factory=ManualSeconds)

    def resummariser(self) -> Resummariser:
        return make_resummariser(
            self.store, self.changelog, self.engine, self.telemetry, make_mending(self.rollout, self.requests)
        )

    def handler(self) -> ResummariseHandler:
        attempts = Attempts(
            DeadLetters(self.letters, "dlq", log_id="log"),
            max_tries=2,
            retry_budget_s=5,
            pause_s=1,
            telemetry=self.telemetry,
        )
        mending = make_mending(self.rollout, self.requests)
        return ResummariseHandler(
            self.resummariser(), attempts, mending, pause_s=5, telemetry=self.telemetry, clock=self.seconds
        )

    async def put(self, *, summary: Summary | None = None, version: int = 1) -> SummaryDocument:
        """Store posting and summary, as a live update would have."""
        update = upsert(version)
        content = read_content(update.posting)
        document = stored(update, at=7, summary=summary)
        await self.store.put_posting(
            PostingDocument(
                job_id="job",
                source_version=version,
                content_hash=content.content_hash,
                posting=content.posting,
                header=document.header,
                body=content.read.body,
            )
        )
        await self.store.put(document, cas=None)
        return document

    async def document(self) -> SummaryDocument:
        kept = await self.store.get("job")
        assert kept is not None
        return kept.document

    def count(self, outcome: LaneOutcome) -> float:
        return self.value("resummarised_total", outcome=str(outcome))

    def value(self, name: str, **labels: str) -> float:
        return self.telemetry.registry.get_sample_value(f"precis_nearline_{name}", labels) or 0.0


FALLBACK = Summary("start of Night shift.", State.FALLBACK, None, cause="deadline")


def record(request: ResummariseRequest, offset: int = 0) -> Record:
    key, value = encode_request(request)
    return Record("job-updates.resummarise", 0, offset, EPOCH + timedelta(days=9), key, value)
