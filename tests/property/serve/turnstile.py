"""A scorer whose every step outside itself waits for the test: the interleaving is the test's to choose.

Each operation stops twice, before it acts and after it acted but before the scorer learns of it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from models.bundle import Bundle, Manifest, PromptLimits, Role
from models.clients.ports import Scores
from models.prompts import RankerPrompt
from schemas.deadline import Deadline
from schemas.documents import ScoreEntry, SummaryDocument
from serve.admission import GUARANTEED_SHARES, Admission
from serve.arms.arm import Arm
from serve.arms.declaration import ArmConfig
from serve.cache import ScoreCache
from serve.calls import Answer
from serve.cost import CostModel
from serve.depth_control import DEFAULT_FLOORS, DepthControl
from serve.flight import SingleFlight
from serve.lane import Lane, LaneLimits
from serve.limit import AdaptiveLimit
from serve.ranking import Ranking
from serve.reading import Reading
from serve.refresh import Refresher, SoftAge
from serve.score import Scorer
from serve.telemetry import Telemetry
from store.memory import MemoryStore
from store.score_policy import ScorePolicy
from tests.doubles.engines import LexicalRanker
from tests.doubles.tokenizer import small_tokenizer

__all__ = ["FixedRevision", "SteppedRanker", "SteppedStore", "Turnstile", "build_scorer", "prompt"]

# More turns than any chain of callbacks between two stops is long.
_SETTLING_TURNS = 40


class Turnstile:
    """Where operations wait, in order of arrival."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Event] = []

    async def stop(self) -> None:
        event = asyncio.Event()
        self._waiting.append(event)
        await event.wait()

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    def release(self, index: int) -> None:
        self._waiting.pop(index).set()


async def settle() -> None:
    """Let everything run that waits for nobody but the loop."""
    for _ in range(_SETTLING_TURNS):
        await asyncio.sleep(0)


class SteppedStore:
    """A store in memory behind a turnstile, as the scorer sees it."""

    def __init__(self, inner: MemoryStore, turnstile: Turnstile) -> None:
        self._inner = inner
        self._turnstile = turnstile

    async def get_many(self, job_ids: Sequence[str]) -> dict[str, SummaryDocument]:
        await self._turnstile.stop()
        found = await self._inner.get_many(job_ids)
        await self._turnstile.stop()
        return found

    async def get_scores(self, fingerprint: str, job_ids: Sequence[str]) -> dict[str, ScoreEntry]:
        await self._turnstile.stop()
        found = await self._inner.get_scores(fingerprint, job_ids)
        await self._turnstile.stop()
        return found

    async def merge_scores(self, fingerprint: str, entries: Mapping[str, ScoreEntry]) -> bool:
        await self._turnstile.stop()
        is_written = await self._inner.merge_scores(fingerprint, entries)
        await self._turnstile.stop()
        return is_written

    async def forget_job(self, job_id: str) -> int:
        return await self._inner.forget_job(job_id)


class SteppedRanker:
    """The lexical ranker behind a turnstile."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._inner = LexicalRanker()
        self._turnstile = turnstile

    async def score(
        self,
        query_ids: Sequence[int],
        items: Sequence[Sequence[int]],
        *,
        label_token_ids: Sequence[int],
        deadline: Deadline,
    ) -> Scores:
        await self._turnstile.stop()
        scores = await self._inner.score(query_ids, items, label_token_ids=label_token_ids, deadline=deadline)
        await self._turnstile.stop()
        return scores

    async def revision(self) -> str:
        return self._inner.model_revision

    async def close(self) -> None:
        await self._inner.close()


class FixedRevision:
    """A ranker that was verified and never changes."""

    why_not = None

    def current(self) -> str:
        return LexicalRanker().model_revision

    def observe(self, revision: str) -> None:
        assert revision == self.current()


@dataclass(frozen=True)
class OnlyArm:
    """Serves every query."""

    arm: Arm

    def choose(self, query: str) -> Arm:
        return self.arm


class NoShadows:
    """Nothing is compared."""

    def offer(self, arm: Arm, query: str, answer: Answer) -> None:
        pass


@cache
def prompt() -> RankerPrompt:
    return RankerPrompt(small_tokenizer(), PromptLimits())


def build_scorer(
    store: SteppedStore, ranker: SteppedRanker, *, cache_type: type[ScoreCache] = ScoreCache
) -> tuple[Scorer, Refresher, Lane]:
    """The real scorer on stepped backends, with limits that never bite; each hit is refreshed."""

    def now() -> datetime:
        return datetime.now(UTC)

    telemetry, flights = Telemetry(), SingleFlight()
    limit = AdaptiveLimit(least=10**9, most=10**9)
    admission = Admission(limit, CostModel(1e9), GUARANTEED_SHARES)
    lane = Lane(
        ranker,
        label_token_ids=prompt().label_token_ids,
        limits=LaneLimits(pack_tokens=60, pack_items=2, packs_in_flight=3),
        flights=flights,
        admission=admission,
        telemetry=telemetry,
        now=now,
    )
    # The budget is longer than any example runs: the turnstile alone decides how late a look-up is.
    cache = cache_type(store, ttl_s=900, budget_s=3600, max_writes=100, telemetry=telemetry, now=now)
    refresher = Refresher(
        cache, SoftAge(ScorePolicy(), 0), deadline_s=3600, max_pending=100, telemetry=telemetry, now=now
    )
    depth = DepthControl(DEFAULT_FLOORS)
    arm = Arm(
        config=ArmConfig(bundle=Path("bundle")),
        bundle=Bundle(
            path=Path("bundle"),
            manifest=Manifest(role=Role.RANKER, name="double", prompt_version=prompt().version),
            revision="double",
        ),
        prompt=prompt(),
        engine=ranker,
        revisions=FixedRevision(),
        admission=admission,
        depth=depth,
        ranking=Ranking(
            prompt=prompt(),
            lane=lane,
            flights=flights,
            admission=admission,
            depth=depth,
            pack_tokens=60,
            telemetry=telemetry,
        ),
        telemetry=telemetry,
    )
    scorer = Scorer(
        reading=Reading(store, None, max_lag_s=1.0, telemetry=telemetry, now=now),
        arms=OnlyArm(arm),
        shadows=NoShadows(),
        cache=cache,
        refresher=refresher,
        shared_flight=None,
        telemetry=telemetry,
        now=now,
        depth_floor=10,
        margin_s=0.01,
    )
    return scorer, refresher, lane
