"""What a running scorer consists of. Built by ``serve.bootstrap``, read by the routes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import HTTPConnection

from models.bundle import Bundle
from models.prompts import RankerPrompt
from serve.admission import Admission, CallGate
from serve.config import ScorerConfig
from serve.near_cache.service import NearCache
from serve.score import Scorer
from serve.telemetry import Telemetry
from serve.verification import Verification
from store.ports import PostingIndex, Store

__all__ = ["Parts", "parts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a route may use.

    Attributes:
        config: Limits.
        bundle: The ranker's checkpoint bundle.
        prompt: Its template.
        store: Summaries and cached scores.
        index: Full-text search; None where the caller brings candidates.
        scorer: Answers scoring calls.
        calls: Bounds the calls at once.
        admission: Tokens in flight, and the measured speed.
        near_cache: Summaries beside the store; None where there are none.
        verification: Whether the ranker may be used.
        telemetry: Metrics.
        now: The wall clock.
    """

    config: ScorerConfig
    bundle: Bundle
    prompt: RankerPrompt
    store: Store
    index: PostingIndex | None
    scorer: Scorer
    calls: CallGate
    admission: Admission
    near_cache: NearCache | None
    verification: Verification
    telemetry: Telemetry
    now: Callable[[], datetime]


def parts_of(connection: HTTPConnection) -> Parts:
    """The parts of the application that this request came to."""
    parts = connection.app.state.parts
    assert isinstance(parts, Parts)
    return parts
