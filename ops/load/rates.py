"""The measurement: seek the highest rate, then load at it, above it, and in bursts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ops.load.arrivals import BURSTS
from ops.load.run import Load
from ops.load.search import Steps, highest_rate
from schemas.errors import BackendUnavailable

__all__ = ["RatesPlan", "is_sustained", "measure_rates", "seek", "totals"]

_MAX_SUSTAINED_MISSES = 0.01
_MIN_DEPTH_SHARE = 0.9
_MAX_MISS_SHARE = 0.001
_MIN_GOODPUT_RATIO = 0.9
_TRIAL_CALLS = 32
"""Fewer calls in a trial say nothing: at a low rate it lasts until so many came."""
_MOST_LENGTHS = 4
"""But a rate at which that takes longer than so many usual trials is not tried."""


@dataclass(frozen=True, slots=True)
class RatesPlan:
    """What is measured.

    Attributes:
        seconds: Length of each rate.
        probe_s: Least length of each trial of the search.
        rate: 1x, calls a second; None: the highest that a search finds.
        steps: How the search goes.
        factors: Multiples of 1x.
        with_bursts: Whether bursts at a mean of 1x come last.
    """

    seconds: float = 90.0
    probe_s: float = 20.0
    rate: float | None = None
    steps: Steps = field(default_factory=Steps)
    factors: tuple[float, ...] = (1.0, 1.5, 3.0)
    with_bursts: bool = True


def is_sustained(figures: Mapping[str, Any]) -> bool:
    """Whether a rate is one that the scorer can take.

    99 in 100 admitted calls were answered inside the deadline (those that the generator sent late are left out), and of
    the candidates that can have a score 9 in 10 got one of the model or the cache: a call that was refused, failed or
    came late counts as one of which no candidate did.
    """
    missed, in_time, depth = (figures[name] for name in ("miss_share", "in_time_share", "depth_share"))
    if missed is None or in_time is None or depth is None:  # nothing was sent or answered
        return False
    return bool(missed <= _MAX_SUSTAINED_MISSES and in_time * depth >= _MIN_DEPTH_SHARE)


async def seek(load: Load, plan: RatesPlan) -> tuple[float, list[dict[str, Any]]]:
    """1x: the given rate, or the highest one of a search; and the trials.

    Raises:
        BackendUnavailable: No rate was sustained.
    """
    if plan.rate is not None:
        return plan.rate, []
    trials: list[dict[str, Any]] = []
    steps = replace(plan.steps, least=_TRIAL_CALLS / (_MOST_LENGTHS * plan.probe_s))

    async def is_rate_sustained(rate: float) -> bool:
        figures = await load.at(rate, max(plan.probe_s, _TRIAL_CALLS / rate))
        trials.append({**figures, "is_sustained": is_sustained(figures)})
        return is_sustained(figures)

    rate = await highest_rate(is_rate_sustained, steps)
    if rate is None:
        tried = "; ".join(
            f"{trial['rate_per_s']:g} calls/s: {trial['in_time_share']} in time, depth {trial['depth_share']}"
            for trial in trials
        )
        raise BackendUnavailable(
            f"none of the rates tried was sustained ({tried}): the machine is too slow for this deadline or busy with "
            "something else; name a rate with --rate to see its figures",
            backend="scorer",
            operation="seek the highest rate",
        )
    return rate, trials


async def measure_rates(load: Load, plan: RatesPlan) -> dict[str, Any]:
    """Seek 1x, then measure each multiple of it, and bursts.

    Raises:
        PrecisError: A part failed, or no rate was sustained.
    """
    rate, trials = await seek(load, plan)
    rates = {f"{factor:g}x": await load.at(factor * rate, plan.seconds) for factor in plan.factors}
    bursts = {"1x_bursts": await load.at(rate, plan.seconds, shape=BURSTS)} if plan.with_bursts else {}
    mix = load.plan.mix
    return {
        "deadline_ms": mix.deadline_ms,
        **totals(rates),
        "rate_1x_per_s": round(rate, 3),
        "rates": rates | bursts,
        "trials": trials,
    }


def totals(rates: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The figures that the product is held to, and whether it meets them.

    Args:
        rates: Figures by multiple of 1x: ``1x``, ``3x``...; what is not there gives None.
    """
    admitted = sum(each["admitted"] for each in rates.values())
    misses = sum(each["deadline_misses_admitted"] for each in rates.values())
    stale = sum(each["stale"] for each in rates.values())
    base, most = rates.get("1x", {}), rates.get("3x", {})
    goodputs = base.get("goodput_per_s"), most.get("goodput_per_s")
    ratio = round(goodputs[1] / goodputs[0], 4) if goodputs[0] and goodputs[1] is not None else None
    return {
        "admitted": admitted,
        "deadline_misses_admitted": misses,
        "miss_share_admitted": round(misses / admitted, 5) if admitted else None,
        "shed_3x": most.get("shed_share"),
        "scored_share_3x": most.get("scored_share"),
        "goodput_3x_over_1x": ratio,
        "stale": stale,
        "hit_rate": base.get("hit_rate"),
        "depth_p50": base.get("depth_p50"),
        "meets": {
            "misses": all((each["miss_share"] or 0) <= _MAX_MISS_SHARE for each in rates.values()),
            "goodput_3x": None if ratio is None else ratio >= _MIN_GOODPUT_RATIO,
            "no_stale": stale == 0,
        },
    }
