"""One ranker and everything that belongs to it alone: template, engine, verification, and the way of misses to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field

from models.bundle import Bundle, Role, load_bundle
from models.clients.examination import examine_ranker
from models.clients.ports import RankerEngine
from models.prompts import RankerPrompt, TextTokenizer
from schemas.api import TrafficClass
from schemas.deadline import Deadline
from schemas.wire import DEFAULT_DEADLINE_MS
from serve.admission import GUARANTEED_SHARES, Admission
from serve.arms.declaration import ArmConfig
from serve.cache import fingerprint
from serve.clock import utc_now
from serve.config import ScorerConfig
from serve.cost import CostModel
from serve.depth_control import DepthControl
from serve.flight import SingleFlight
from serve.lane import Lane, LaneLimits
from serve.limit import AdaptiveLimit
from serve.ranking import Ranking
from serve.telemetry import Telemetry
from serve.verification import CanariesFailed, RevisionSource, Verification

__all__ = ["Arm", "OpenRanker", "open_arm"]

OpenRanker = Callable[[ArmConfig], Awaitable[RankerEngine]]


@dataclass(slots=True, kw_only=True, eq=False)
class Arm:
    """A ranker that is open. Used from one event loop.

    Attributes:
        config: What it is.
        bundle: Its checkpoint bundle.
        prompt: Its template.
        engine: The client of its engine.
        revisions: Whether it may be used, and as which revision.
        admission: Its tokens in flight.
        depth: Its depth under load.
        ranking: Scores its misses.
        telemetry: The scorer's metrics, those of the ranker under its name.
        num_calls: Calls that are at work on it.
    """

    config: ArmConfig
    bundle: Bundle
    prompt: RankerPrompt
    engine: RankerEngine
    revisions: RevisionSource
    admission: Admission
    depth: DepthControl
    ranking: Ranking
    telemetry: Telemetry
    num_calls: int = 0
    closing: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)

    @property
    def name(self) -> str:
        """In answers, metrics and cache keys."""
        return self.config.name

    @property
    def is_idle(self) -> bool:
        """Whether no call is at work on it and no token on its way, so that closing it takes nothing from anybody."""
        return not self.num_calls and not self.tokens_in_flight()

    @property
    def is_verified(self) -> bool:
        """Whether it may serve now."""
        return self.revisions.why_not is None

    def begin_call(self) -> None:
        """Keep it open until :meth:`end_call`: draining waits for its calls."""
        self.num_calls += 1

    def end_call(self) -> None:
        """See :meth:`begin_call`."""
        self.num_calls -= 1

    @contextmanager
    def lease(self) -> Iterator[None]:
        """One call, for as long as the block runs."""
        self.begin_call()
        try:
            yield
        finally:
            self.end_call()

    def fingerprint(self, query_ids: Sequence[int], revision: str | None) -> str:
        """Identity of a query for this arm, as a key of cached scores.

        The name of a revision is the engine's word, and two engines may serve different weights as ``default``; so the
        digest of the bundle whose canaries passed is part of the key. So is the arm's name: the same weights may be on
        trial in another precision, and an experiment must not read the other side's scores. A promotion keeps names,
        and with them what is cached.
        """
        return fingerprint(query_ids, f"{self.name}/{self.bundle.revision}/{revision or ''}", self.prompt.digest)

    def tokens_in_flight(self) -> int:
        """Admitted tokens that are not done."""
        return self.admission.in_flight

    def tokens_limit(self) -> int:
        """The adaptive limit of them."""
        return self.admission.limit

    def tokens_per_s(self) -> float:
        """Measured speed of its engine."""
        return self.admission.cost.tokens_per_s

    def depth_share(self) -> float:
        """Share of its candidates that an interactive call with the usual deadline could send now."""
        now_s = time.monotonic()
        queue_s = self.admission.queue_s(TrafficClass.INTERACTIVE, now_s)
        return self.depth.share_at(TrafficClass.INTERACTIVE, queue_s, now_s, DEFAULT_DEADLINE_MS / 1000)

    async def close(self) -> None:
        """Stop verifying, settle what is under way as failed, close the client. Idempotent."""
        await self.closing.aclose()


async def open_arm(config: ArmConfig, limits: ScorerConfig, open_ranker: OpenRanker, telemetry: Telemetry) -> Arm:
    """Read the bundle, make the client and begin to verify. The engine itself may come up later.

    Args:
        config: What the arm is.
        limits: Of the scorer.
        open_ranker: Makes the client of its engine.
        telemetry: The scorer's metrics.

    Raises:
        ConfigurationError: The bundle is not there or does not fit, or the address is none.
    """
    bundle = await asyncio.to_thread(load_bundle, config.bundle, Role.RANKER)
    tokenizer = await asyncio.to_thread(TextTokenizer.from_file, bundle.tokenizer_file)
    prompt = RankerPrompt(tokenizer, bundle.manifest.limits)
    async with AsyncExitStack() as closing:
        engine = await open_ranker(config)
        closing.push_async_callback(engine.close)
        arm = _assembled(config, limits, bundle, prompt, engine, telemetry.of_arm(config.name), closing)
        arm.closing = closing.pop_all()
    return arm


def _assembled(
    config: ArmConfig,
    limits: ScorerConfig,
    bundle: Bundle,
    prompt: RankerPrompt,
    engine: RankerEngine,
    telemetry: Telemetry,
    closing: AsyncExitStack,
) -> Arm:
    limit = AdaptiveLimit(least=2 * limits.pack_tokens, most=limits.max_tokens_in_flight)
    admission = Admission(limit, CostModel(limits.initial_tokens_per_s), GUARANTEED_SHARES)
    depth = DepthControl(limits.depth_floors)
    flights = SingleFlight()
    lane = Lane(
        engine,
        label_token_ids=bundle.manifest.label_token_ids,
        limits=LaneLimits(limits.pack_tokens, limits.pack_items, limits.packs_in_flight),
        flights=flights,
        admission=admission,
        telemetry=telemetry,
        now=utc_now,
    )
    closing.push_async_callback(lane.close)
    ranking = Ranking(
        prompt=prompt,
        lane=lane,
        flights=flights,
        admission=admission,
        depth=depth,
        pack_tokens=limits.pack_tokens,
        telemetry=telemetry,
    )
    tolerance = limits.canary_tolerance if config.tolerance is None else config.tolerance
    verification = Verification(
        lambda: _verify(engine, bundle, limits.canary_timeout_s, tolerance, telemetry),
        retry_s=limits.canary_retry_s,
        interval_s=limits.canary_interval_s,
    )
    verification.start()
    closing.push_async_callback(verification.close)
    return Arm(
        config=config,
        bundle=bundle,
        prompt=prompt,
        engine=engine,
        revisions=verification,
        admission=admission,
        depth=depth,
        ranking=ranking,
        telemetry=telemetry,
    )


async def _verify(
    engine: RankerEngine, bundle: Bundle, timeout_s: float, tolerance: float, telemetry: Telemetry
) -> str:
    """Revision of the engine, its canaries passed."""
    report = await examine_ranker(engine, bundle, deadline=Deadline.after(timeout_s), tolerance=tolerance)
    if report.max_drift is not None:
        telemetry.canary_drift.set(report.max_drift)
    if report.is_ok and report.engine_revision is not None:
        return report.engine_revision
    telemetry.canary_failures.inc()
    raise CanariesFailed("; ".join(report.problems))
