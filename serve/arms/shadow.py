"""Shadow scoring: some of the champion's calls are scored by another arm too, to compare, not to answer.

The answer never waits for it and never shows it. It goes as the least urgent class, in tasks of which a bounded number
is pending; what comes above that, or while the scorer gives its callers less than they asked for, is dropped and
counted. Nothing of it is cached: the shadow's scores are seen in metrics alone.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from schemas.api import Source, TrafficClass
from schemas.deadline import Deadline
from schemas.errors import DeadlineExceeded, Overloaded
from serve.arms.arm import Arm
from serve.arms.comparison import compare
from serve.background import BackgroundTasks
from serve.calls import Answer
from serve.candidates import Item
from serve.telemetry import Telemetry

__all__ = ["ShadowSource", "Shadows"]

_log = structlog.get_logger(__name__)


class ShadowSource(Protocol):
    """Who is to be compared with whom."""

    @property
    def champion(self) -> Arm:
        """Whose calls are copied."""
        ...

    def shadows(self) -> Sequence[tuple[Arm, float]]:
        """Verified arms, with the share of the calls that each gets."""
        ...


class Shadows:
    """Scores copies in the background. Used from one event loop."""

    def __init__(
        self,
        arms: ShadowSource,
        *,
        max_pending: int,
        timeout_s: float,
        telemetry: Telemetry,
        rng: random.Random | None = None,
    ) -> None:
        """Make one.

        Args:
            arms: Who is compared.
            max_pending: Copies at work at once; more are dropped.
            timeout_s: Budget of a copy, in seconds.
            telemetry: Takes the comparisons.
            rng: Draws the calls: by call and not by query, so that the sample is that of the traffic.
        """
        self._arms = arms
        self._max_pending = max_pending
        self._timeout_s = timeout_s
        self._telemetry = telemetry
        self._rng = rng or random.Random()
        self._pending = BackgroundTasks()

    def offer(self, arm: Arm, query: str, answer: Answer) -> None:
        """Copy an answered call, if it is drawn. Returns at once.

        Args:
            arm: That answered; only the champion's calls are copied.
            query: Normalised.
            answer: Of which the scored items are scored again.
        """
        if arm is not self._arms.champion:
            return
        for shadow, share in self._arms.shadows():
            if self._rng.random() < share:
                self._begin(shadow, query, answer)

    def _begin(self, shadow: Arm, query: str, answer: Answer) -> None:
        scored = {
            result.item.version: (result.item, result.score)
            for result in answer.results
            if result.item is not None and result.score is not None and result.source is not Source.FALLBACK
        }
        if not scored:
            return
        if len(self._pending) >= self._max_pending:
            self._count(shadow, "full")
        elif answer.depth_share < 1:
            self._count(shadow, "busy")
        else:
            shadow.begin_call()
            task = self._pending.begin(self._score(shadow, query, scored))
            task.add_done_callback(lambda _: shadow.end_call())

    async def _score(self, shadow: Arm, query: str, scored: Mapping[str, tuple[Item, float]]) -> None:
        try:
            query_ids = shadow.prompt.query_ids(query)
            ranked = await shadow.ranking.rank(
                shadow.fingerprint(query_ids, None),
                query_ids,
                [_for(shadow, item) for item, _ in scored.values()],
                deadline=Deadline.after(self._timeout_s),
                floor=1,
                traffic_class=TrafficClass.REFRESH,
            )
        except Exception as error:  # noqa: BLE001 - a copy may fail in any way and must not be noticed
            _log.warning("shadow failed", arm=shadow.name, error=type(error).__name__, why=str(error))
            self._count(shadow, "failed")
            return
        for score in ranked.scores.values():
            shadow.revisions.observe(score.revision)
        champions = {version: score for version, (_, score) in scored.items()}
        found = compare(champions, {version: score.value for version, score in ranked.scores.items()})
        if found is None:
            self._count(shadow, _why(ranked.failure))
            return
        self._count(shadow, "compared")
        if found.rank_correlation is not None:
            self._telemetry.shadow_rank_correlation.labels(shadow.name).observe(found.rank_correlation)
        self._telemetry.shadow_overlap.labels(shadow.name).observe(found.overlap_at_10)
        difference = self._telemetry.shadow_difference.labels(shadow.name)
        for value in found.differences:
            difference.observe(value)

    def _count(self, shadow: Arm, result: str) -> None:
        self._telemetry.shadow_calls.labels(shadow.name, result).inc()

    async def close(self) -> None:
        """Cancel what is pending. Idempotent."""
        await self._pending.cancel()


def _for(shadow: Arm, item: Item) -> Item:
    """The item as the shadow reads it: token ids of another template are not its own."""
    known = item.document.item_tokens.get(shadow.prompt.digest) if item.document else None
    return replace(item, token_ids=known)


def _why(failure: Exception | None) -> str:
    if isinstance(failure, Overloaded):
        return "refused"
    return "late" if isinstance(failure, DeadlineExceeded) else "failed"
