"""The highest rate that a system sustains, by trial. Pure but for the trials."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["Steps", "highest_rate"]


@dataclass(frozen=True, slots=True)
class Steps:
    """How the search goes: double or halve until the limit lies between two rates, then halve the ratio of the two.

    Attributes:
        first: Rate of the first trial, calls a second.
        ratio: Where the two rates are closer than this, the lower one is the answer.
        most: Trials at most.
        least: No rate below this is tried.
    """

    first: float = 8.0
    ratio: float = 1.1
    most: int = 12
    least: float = 0.0


async def highest_rate(is_sustained: Callable[[float], Awaitable[bool]], steps: Steps) -> float | None:
    """The highest rate tried that was sustained.

    Args:
        is_sustained: Tries a rate.
        steps: How the search goes.

    Returns:
        It; None where none of the rates tried was.
    """
    low: float | None = None
    high: float | None = None
    rate = steps.first
    for _ in range(steps.most):
        if await is_sustained(rate):
            low = rate
        else:
            high = rate
        if low is None:
            rate /= 2
            if rate < steps.least:
                break
        elif high is None:
            rate *= 2
        elif high / low < steps.ratio:
            break
        else:
            rate = math.sqrt(low * high)
    return low
