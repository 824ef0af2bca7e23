"""What a running scorer consists of. Built by ``serve.bootstrap``, read by the routes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import HTTPConnection

from serve.admission import CallGate
from serve.arms.fleet import Fleet
from serve.config import ScorerConfig
from serve.near_cache.service import NearCache
from serve.score import Scorer
from serve.telemetry import Telemetry
from store.ports import PostingIndex, Store

__all__ = ["Parts", "parts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a route may use.

    Attributes:
        config: Limits.
        arms: The rankers, and which of them serves.
        store: Summaries and cached scores.
        index: Full-text search; None where the caller brings candidates.
        scorer: Answers scoring calls.
        calls: Bounds the calls at once.
        near_cache: Summaries beside the store; None where there are none.
        telemetry: Metrics.
        now: The wall clock.
    """

    config: ScorerConfig
    arms: Fleet
    store: Store
    index: PostingIndex | None
    scorer: Scorer
    calls: CallGate
    near_cache: NearCache | None
    telemetry: Telemetry
    now: Callable[[], datetime]


def parts_of(connection: HTTPConnection) -> Parts:
    """The parts of the application that this request came to."""
    parts = connection.app.state.parts
    assert isinstance(parts, Parts)
    return parts
