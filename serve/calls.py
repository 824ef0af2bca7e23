"""A scoring call and its answer, independent of the route that it came by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.api import CacheState, Consistency, Reason, Source, TrafficClass
from schemas.deadline import Deadline
from schemas.errors import PrecisError
from serve.candidates import Item, Servable
from serve.freshness import Freshness

__all__ = ["Answer", "Call", "Candidate", "Result", "ServedBy"]

Candidate = str | Item
"""A job id, or a text that came with the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked.

    Attributes:
        query: As the caller typed it; or token ids, to be scored as they are.
        candidates: The caller's best first; repeated ones are scored once.
        deadline: Budget of the whole call.
        depth_min: Candidates below which an answer is of no use; None: the scorer's floor.
        depth_max: Only the first so many distinct candidates are looked at.
        traffic_class: Whose depth floor counts under load.
        is_fallback_wanted: Whether scores by words are welcome where there would be none at all.
        consistency: Whether the summaries may come from the near-cache.
        max_lag_s: How old they may be then, in seconds; None: the scorer's bound.
    """

    query: str | Sequence[int]
    candidates: Sequence[Candidate]
    deadline: Deadline
    depth_min: int | None = None
    depth_max: int
    traffic_class: TrafficClass = TrafficClass.INTERACTIVE
    is_fallback_wanted: bool = False
    consistency: Consistency = Consistency.STRICT
    max_lag_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one candidate.

    Attributes:
        job_id: None for a text that came with the call.
        score: In [0, 1]; None where ``source`` is unscored.
        source: Where the score came from.
        reason: Why the ranker gave none; None with a score of its own.
        item: What was scored, or would have been; None where there is nothing to score.
        document: The document read in this call, if any.
        num_tokens: Length of the item; None where it was not rendered.
        scored_at: When the score was computed; None without one.
    """

    job_id: str | None
    score: float | None = None
    source: Source = Source.UNSCORED
    reason: Reason | None = None
    item: Item | None = None
    document: Servable | None = None
    num_tokens: int | None = None
    scored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServedBy:
    """Which ranker answered.

    Attributes:
        arm: Its name.
        model: Name in its bundle.
        prompt: Version of its template.
        revision: Of its weights, as its engine names them; None where none is verified.
    """

    arm: str
    model: str
    prompt: str
    revision: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Results in the order of the candidates, one for each place, and what the call cost.

    Attributes:
        results: [N] as many as candidates in the call.
        depth_served: Distinct candidates with a score of the ranker's.
        depth_share: Of the candidates without a cached score, the share that the load allowed to be sent.
        cache: Whether the score cache worked.
        served_by: The ranker that the scores are of; without a revision where none of them is its.
        is_mixed: Whether the ranker changed during the call.
        num_query_tokens: Length of the query prefix.
        num_item_tokens: Of the items that this call sent to the ranker.
        freshness: The read point.
        failure: The gravest of what kept candidates from a score of the ranker's.
    """

    results: tuple[Result, ...]
    depth_served: int
    depth_share: float
    cache: CacheState
    served_by: ServedBy
    is_mixed: bool
    num_query_tokens: int
    num_item_tokens: int
    freshness: Freshness
    failure: PrecisError | None

    @property
    def is_fallback(self) -> bool:
        """Whether the scores are of words alone: all of them, or none."""
        return any(result.source is Source.FALLBACK for result in self.results)

    def raise_if_unanswered(self) -> None:
        """Raise where no candidate has a score although one could have had.

        Raises:
            PrecisError: The failure.
        """
        if self.failure is not None and not self.depth_served and not self.is_fallback:
            raise self.failure
