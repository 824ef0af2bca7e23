"""A long run: whether the scorer's memory stays flat."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from ops.load.run import Load

__all__ = ["flatness", "soak"]

_SAMPLE_S = 5.0
_MAX_GROWTH_SHARE = 0.03
_MIB = 1024 * 1024


async def soak(load: Load, rate: float, seconds: float, *, warm_up_s: float) -> dict[str, Any]:
    """Load at a rate and look at the scorer's resident memory meanwhile.

    Args:
        load: On a site.
        rate: Calls a second.
        seconds: How long memory is looked at.
        warm_up_s: Load before that: caches with a bound fill, and the allocator finds its size.

    Raises:
        PrecisError: A part failed.
    """
    samples: list[tuple[float, float]] = []
    if warm_up_s > 0:
        await load.at(rate, warm_up_s)
    sampling = asyncio.create_task(_sample(load, samples))
    try:
        figures = await load.at(rate, seconds)
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
    return {"memory": flatness(samples), "load": figures}


async def _sample(load: Load, samples: list[tuple[float, float]]) -> None:
    while True:
        samples.append((time.monotonic(), load.site.usages()["scorer"].rss_bytes / _MIB))
        await asyncio.sleep(_SAMPLE_S)


def flatness(samples: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Whether memory grows: by its least-squares line, and by its last third against its first.

    Flat: neither the line nor the thirds rise by more than 3 %.

    Args:
        samples: Seconds and MiB, in order; of at least a few moments.
    """
    third = max(1, len(samples) // 3)
    first, last = _mean([mib for _, mib in samples[:third]]), _mean([mib for _, mib in samples[-third:]])
    slope = _slope(samples)
    line_growth = slope * (samples[-1][0] - samples[0][0]) / first
    return {
        "num_samples": len(samples),
        "rss_mib_first_third": round(first, 2),
        "rss_mib_last_third": round(last, 2),
        "rss_mib_max": round(max(mib for _, mib in samples), 2),
        "growth_share": round(last / first - 1, 4),
        "slope_mib_per_min": round(60 * slope, 4),
        "is_flat": last / first - 1 <= _MAX_GROWTH_SHARE and line_growth <= _MAX_GROWTH_SHARE,
    }


def _slope(samples: Sequence[tuple[float, float]]) -> float:
    mean_s, mean_mib = _mean([at_s for at_s, _ in samples]), _mean([mib for _, mib in samples])
    spread = sum((at_s - mean_s) ** 2 for at_s, _ in samples)
    return sum((at_s - mean_s) * (mib - mean_mib) for at_s, mib in samples) / spread if spread else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
