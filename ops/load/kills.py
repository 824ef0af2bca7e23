"""Parts are taken away under load, one after the other: what the scorer answers meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.load.drills import Drill, drills_of
from ops.load.run import Load, stale_figures
from ops.load.summary import Outcome
from ops.load.wire import Sent
from schemas.statistics import quantile

__all__ = ["HEALTHY", "KillsPlan", "Phase", "hold_drills", "is_well", "phase_figures", "phase_of"]

HEALTHY = "healthy"
_OK, _FIRST_5XX = 200, 500
# A part that takes longer than this to come back meets no more load, and is no success.
_MAX_RETURN_S = 45.0


@dataclass(frozen=True, slots=True)
class KillsPlan:
    """How long.

    Attributes:
        lead_s: Load before the first drill, seconds.
        away_s: How long each part is away.
        recovery_s: Load between two drills, from when the part is ready again; the first ``grace_s`` of it count to the
            drill.
        grace_s: How long after the part is ready its users may still find it away: circuit breakers pause for up to
            5 s, canaries run anew.
    """

    lead_s: float = 10.0
    away_s: float = 8.0
    recovery_s: float = 14.0
    grace_s: float = 7.0


@dataclass(frozen=True, slots=True)
class Phase:
    """When a part was away, on the monotonic clock, its grace included."""

    name: str
    begin_s: float
    end_s: float


async def hold_drills(
    load: Load, rate: float, plan: KillsPlan, say: Callable[[str], None], consistency: str
) -> dict[str, Any]:
    """Load at a rate, with one drill after the other meanwhile.

    Raises:
        PrecisError: The generator failed, or a part could not be brought back.
    """
    drills = drills_of(load.site)
    phases: list[Phase] = []
    over, begun = asyncio.Event(), asyncio.Event()
    longest_s = plan.lead_s + len(drills) * (plan.away_s + _MAX_RETURN_S + plan.recovery_s)
    calls = asyncio.create_task(load.calls_at(rate, longest_s, until=over, look=begun.set))
    calls.add_done_callback(lambda _: begun.set())
    try:
        await begun.wait()
        await asyncio.sleep(plan.lead_s)
        for name, drill in drills.items():
            say(f"without {name} for {plan.away_s:g} s")
            phases.append(await _hold(load, name, drill, plan))
            await asyncio.sleep(plan.recovery_s)
    finally:
        over.set()
        run, judge = await calls
    by_phase = {
        name: phase_figures([outcome for outcome in run.outcomes if phase_of(outcome.sent, phases) == name])
        for name in (HEALTHY, *drills)
    }
    return {
        "phases": by_phase,
        "away_s": {phase.name: round(phase.end_s - phase.begin_s - plan.grace_s, 2) for phase in phases},
        **stale_figures(judge),
        **is_well(by_phase, consistency),
    }


async def _hold(load: Load, name: str, drill: Drill, plan: KillsPlan) -> Phase:
    load.is_watching = False
    begin_s = time.monotonic()
    try:
        async with drill():
            await asyncio.sleep(plan.away_s)
    finally:
        load.is_watching = True
    return Phase(name, begin_s, time.monotonic() + plan.grace_s)


def phase_of(sent: Sent, phases: Sequence[Phase]) -> str:
    """The phase that a call belongs to: that which any part of it lay in."""
    names = (phase.name for phase in phases if sent.due_s < phase.end_s and sent.done_s > phase.begin_s)
    return next(names, HEALTHY)


def phase_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Answers of a phase by status and source."""
    sources: Counter[str] = Counter()
    for outcome in outcomes:
        sources.update(outcome.sources)
    answered = [outcome for outcome in outcomes if outcome.sent.status == _OK]
    latency_s = quantile([outcome.latency_s for outcome in answered], 0.99)
    return {
        "calls": len(outcomes),
        "statuses": dict(sorted(Counter(str(outcome.sent.status) for outcome in outcomes).items())),
        "sources": dict(sorted(sources.items())),
        "errors": dict(Counter(outcome.sent.error for outcome in outcomes if outcome.sent.error)),
        "latency_p99_ms": None if latency_s is None else round(latency_s * 1e3, 2),
        "failed": sum(outcome.sent.status == 0 or outcome.sent.status >= _FIRST_5XX for outcome in outcomes),
    }


def is_well(phases: Mapping[str, Mapping[str, Any]], consistency: str) -> dict[str, Any]:
    """Whether each phase went as it should: answers, perhaps poorer ones, and no failure.

    Failures are right only where nothing at all can answer: strict calls without the store, which alone can vouch for a
    version. A healthy phase without any answer shows that something did not come back.
    """
    excused = set() if consistency == "bounded" else {"store"}
    verdicts = {
        name: figures["calls"] > 0 and (name in excused or figures["failed"] == 0) for name, figures in phases.items()
    }
    return {"well": verdicts, "is_well": all(verdicts.values())}
