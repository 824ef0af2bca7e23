"""Requests and answers of the scorer's native HTTP interface, and its problem documents."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, ConfigDict, Field, FiniteFloat, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from schemas.documents import State, SummarizerId
from schemas.wire import (
    DEFAULT_DEADLINE_MS,
    MAX_CANDIDATES,
    AnyDocument,
    ApiJobId,
    DeadlineMs,
    Flag,
    QueryOrIds,
    Strict,
    WholeNumber,
)

__all__ = [
    "CacheState",
    "Consistency",
    "DepthLimits",
    "Explanation",
    "FieldError",
    "Problem",
    "Reason",
    "ScoreRequest",
    "ScoreResponse",
    "ScoreResult",
    "SearchResponse",
    "SearchResult",
    "Source",
    "SummariesResponse",
    "SummaryView",
    "TokenCounts",
    "TrafficClass",
    "Versions",
    "WhyStrict",
]


class Source(StrEnum):
    """Where a score came from."""

    MODEL = "model"
    """The ranker, in this call (or in a concurrent one that asked for the same pair)."""
    CACHE = "cache"
    """The score cache; the ranker gave it for exactly this item version."""
    FALLBACK = "fallback"
    """The words of query and candidates, because no candidate of the call could have any other score; ``reason`` says
    why the ranker gave none. Comparable within the answer only; never cached."""
    UNSCORED = "unscored"
    """Nowhere: ``reason`` says why."""


class Reason(StrEnum):
    """Why a candidate has no score, or none of the ranker's."""

    NO_SUMMARY = "no_summary"
    """The store has no summary of this id."""
    DELETED = "deleted"
    """The job is gone."""
    EXPIRED = "expired"
    """The posting's own end date has passed."""
    DEPTH = "depth"
    """Left out: the caller's ``depth.max``, ``depth_share`` under load, or as many as the deadline leaves time for."""
    DEADLINE = "deadline"
    """Its score was not ready when the deadline came."""
    OVERLOADED = "overloaded"
    """Too much work is in flight; ``Retry-After`` of a refusal says when to come back."""
    BACKEND = "backend"
    """The ranker engine is away, not verified, or answered in another form."""


class TrafficClass(StrEnum):
    """Whose work goes first under load."""

    INTERACTIVE = "interactive"
    """Somebody waits for the answer."""
    LATENCY_INSENSITIVE = "latency_insensitive"
    """A job that only wants its answer before the deadline: held to idle windows as long as that leaves time."""
    REFRESH = "refresh"
    """Work that may as well not be done, such as warming the cache: in idle windows only."""


class CacheState(StrEnum):
    """What the score cache did in this call."""

    OK = "ok"
    UNAVAILABLE = "unavailable"
    """It failed or was slower than its budget; scoring went on without it."""
    UNUSED = "unused"
    """There was nothing to look up."""


class Consistency(StrEnum):
    """As of when the summaries are."""

    STRICT = "strict"
    """Read from the store inside the call."""
    BOUNDED = "bounded"
    """From the scorer's near-cache, as old as the call allows; where it is older, strict."""


class WhyStrict(StrEnum):
    """Why a ``bounded`` call was answered strictly."""

    OFF = "off"
    """This scorer has no near-cache."""
    BUILDING = "building"
    """The near-cache is not complete yet."""
    LAG = "lag"
    """It was further behind than the call allows."""
    UNREADABLE = "unreadable"
    """It could not be read."""


class DepthLimits(Strict):
    """The caller's bounds on how many candidates get a score."""

    min: Annotated[WholeNumber, Field(ge=1, le=MAX_CANDIDATES)] | None = None
    """Score at least so many, or refuse the call where the queue leaves no time for them; None leaves it to the
    scorer's configuration."""
    max: Annotated[WholeNumber, Field(ge=1, le=MAX_CANDIDATES)] = MAX_CANDIDATES
    """Look at the first so many candidates only."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.min is not None and self.min > self.max:
            raise PydanticCustomError(
                "depth", "depth.min {low} is above depth.max {high}", {"low": self.min, "high": self.max}
            )
        return self


class ScoreRequest(Strict):
    """Score candidates, ``job_ids`` or ``documents``, against a query.

    A repeated candidate is scored once and answered at each of its places.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query": "night shift nurse berlin", "job_ids": ["job-1", "job-2", "job-3"], "deadline_ms": 500},
                {"query": "remote rust engineer", "job_ids": ["job-7"], "sort": True, "explain": True},
                {"query": [84, 91, 88, 89, 75], "job_ids": ["job-1"]},
                {
                    "query": "night shift nurse",
                    "documents": ["Nurse, Berlin\nNight shifts, ICU.", {"text": "Baker, Hamburg"}, {"id": "job-1"}],
                    "sort": True,
                },
                {"query": "barista", "job_ids": ["job-7"], "consistency": "bounded", "max_lag_ms": 1000},
            ]
        }
    )

    query: QueryOrIds
    """Text, which is normalised (case, width, blanks, markup) before it is scored; or token ids of the loaded ranker's
    tokenizer, which are scored as they are. Both share cached scores where they come to the same ids."""
    job_ids: Annotated[list[ApiJobId], Field(min_length=1, max_length=MAX_CANDIDATES)] | None = None
    """Candidates, best first by the caller's own retrieval: this order decides who is scored where not all can be."""
    documents: Annotated[list[AnyDocument] | None, Field(min_length=1, max_length=MAX_CANDIDATES)] = Field(
        default=None, validate_default=True
    )
    """Instead of ``job_ids``: texts that come with the call, as strings or ``{"text": ...}``, and ``{"id": job_id}`` of
    stored summaries, as in ``/v1/rerank``. Scores of texts that come with the call are never cached."""
    deadline_ms: DeadlineMs = DEFAULT_DEADLINE_MS
    """Time budget of the whole call, from its arrival."""
    traffic_class: Annotated[TrafficClass, Field(alias="class")] = TrafficClass.INTERACTIVE
    """Whose work goes first under load: `latency_insensitive` calls wait for idle windows, never past their deadline;
    `refresh` calls are served in idle windows only."""
    consistency: Consistency = Consistency.STRICT
    """``strict``: versions are read from the store inside this call. ``bounded``: summaries may come from the scorer's
    near-cache, at most ``max_lag_ms`` behind what was published; the answer says how far, or why it was strict after
    all."""
    max_lag_ms: Annotated[int, Field(ge=1, le=60_000)] | None = None
    """Bound of ``bounded``; None leaves it to the scorer's configuration."""
    depth: DepthLimits = DepthLimits()
    fallback: Flag = True
    """Where the ranker is away or late and no candidate has a score: answer by words (`source: fallback`) instead of
    with 502, 503 or 504. Not for `refresh` calls: nobody reads their scores."""
    sort: Flag = False
    """Order the results by score, those without one last in request order; otherwise in request order."""
    explain: Flag = False
    """Add to each result the text that was scored and its cost."""

    @field_validator("documents")
    @classmethod
    def _check_one(cls, documents: list[AnyDocument] | None, info: ValidationInfo) -> list[AnyDocument] | None:
        # Where `job_ids` is wrong itself, that is said, and this is not.
        if "job_ids" in info.data and (documents is None) == (info.data["job_ids"] is None):
            raise PydanticCustomError("candidates", "give either `job_ids` or `documents`")
        return documents

    @model_validator(mode="after")
    def _check_bound(self) -> Self:
        if self.max_lag_ms is not None and self.consistency is not Consistency.BOUNDED:
            raise PydanticCustomError("max_lag_ms", "max_lag_ms needs consistency 'bounded'")
        return self


class Explanation(Strict):
    """What a score was computed from."""

    header: str
    summary: str
    source_version: int | None
    """Of the posting that the summary was made of; None for a text that came with the call."""
    num_tokens: int | None
    """Length of the item as the ranker reads it; None where it was not rendered."""
    score_age_s: float | None
    """Seconds since the score was computed; None without a score."""


class ScoreResult(Strict):
    """One candidate's score, or why it has none. Of ``fallback`` scores ``reason`` says why the ranker gave none."""

    index: int
    """Its place in the request, from 0."""
    job_id: str | None
    """None for a text that came with the call."""
    score: FiniteFloat | None
    source: Source
    reason: Reason | None = None
    summary_state: State | None = None
    """``fresh`` or ``fallback`` (extractive, not yet by the model); ``deleted`` for a job that is gone."""
    item_version: str | None = None
    """Identity of the text that was scored; None where there is none."""
    age_s: float | None = None
    """Seconds since this summary was written."""
    explain: Explanation | None = None


class Versions(Strict):
    """What made the answer."""

    arm: str
    """Name of the ranker that answered: several may stand side by side, and a query always meets the same."""
    ranker_revision: str | None
    """Revision of the ranker; None where it could not be verified yet, and where it made none of the scores."""
    is_mixed: bool = False
    """Whether the ranker changed during this call, so that not all scores are of one revision."""
    prompt: str
    build: str


class TokenCounts(Strict):
    """Cost of the call in tokens of the ranker."""

    query: int
    items: int
    """Of the items that this call sent to the ranker; cached and shared ones cost nothing."""


class ScoreResponse(Strict):
    """Answer of ``POST /v1/score``."""

    results: list[ScoreResult]
    depth_served: int
    """How many distinct candidates have a score of the ranker's; those of the fallback do not count."""
    depth_share: float
    """Share of the candidates without a cached score that the load left to this call: 1 without load, less while calls
    queue for the ranker. What it leaves out says `depth`; so does what the deadline leaves out beyond it."""
    cache: CacheState
    versions: Versions
    num_tokens: TokenCounts
    as_of: AwareDatetime
    """Read point: every write acknowledged (``bounded``: published) before it is in the answer."""
    consistency: Consistency
    """What was served."""
    lag_ms: float | None = None
    """How far the near-cache was behind; None where the store was read."""
    why_strict: WhyStrict | None = None
    """Why the store was read although the call asked for ``bounded``."""


class SummaryView(Strict):
    """A stored summary. Of a deleted job only the fact is told."""

    job_id: str
    state: State
    header: str | None
    summary: str | None
    item_version: str | None
    source_version: int
    generation: int
    summarizer: SummarizerId | None
    num_tokens_raw: int
    num_tokens_item: int
    valid_through: AwareDatetime | None
    event_time: AwareDatetime | None
    summarized_at: AwareDatetime
    age_s: float
    """Seconds since it was written."""
    servable_after_s: float | None
    """Seconds from the change at its source to this document being servable."""


class SummariesResponse(Strict):
    """Answer of ``GET /v1/summaries``."""

    summaries: list[SummaryView]
    missing: list[str]


class SearchResult(Strict):
    """One search result, best first."""

    rank: int
    job_id: str
    title: str
    place: str
    header: str
    summary: str
    score: float | None
    source: Source
    reason: Reason | None = None
    summary_state: State
    item_version: str
    age_s: float
    servable_after_s: float | None
    """Seconds from the change at its source to the summary being servable; None where the source did not say when."""
    bm25: float
    bm25_rank: int
    """Rank by words alone, from 1."""


class SearchResponse(Strict):
    """Answer of ``GET /v1/search``."""

    query: str
    results: list[SearchResult]
    num_candidates: int
    """How many the index gave; those whose job is gone meanwhile are not in the results."""
    depth_served: int
    cache: CacheState
    versions: Versions
    as_of: AwareDatetime
    wall_ms: float


class FieldError(Strict):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Strict):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    """Identifies this answer; the same id stands in the log line and in ``X-Request-Id``."""
    errors: list[FieldError] = Field(default_factory=list)
