"""A long run: whether the scorer's memory stays flat."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from ops.load.run import Load

__all__ = ["flatness", "soak"]

_SAMPLE_S = 5.0
_WARM_UP_SHARE = 0.2
_MAX_GROWTH_SHARE = 0.03
_MIB = 1024 * 1024


async def soak(load: Load, rate: float, seconds: float) -> dict[str, Any]:
    """Load at a rate and look at the scorer's resident memory meanwhile.

    Raises:
        PrecisError: A part failed.
    """
    samples: list[tuple[float, float]] = []
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

    The first fifth of the time is warm-up and left out. Flat: over the rest, neither the line nor the thirds rise by
    more than 3 %.

    Args:
        samples: Seconds and MiB, in order; of at least a few moments.
    """
    begin_s, end_s = samples[0][0], samples[-1][0]
    warm_s = begin_s + _WARM_UP_SHARE * (end_s - begin_s)
    steady = [sample for sample in samples if sample[0] >= warm_s]
    third = max(1, len(steady) // 3)
    first, last = _mean([mib for _, mib in steady[:third]]), _mean([mib for _, mib in steady[-third:]])
    slope = _slope(steady)
    line_growth = slope * (steady[-1][0] - steady[0][0]) / first
    return {
        "num_samples": len(steady),
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
