"""When calls come. Pure: one seed, one schedule, whatever the scorer does meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

__all__ = ["BURSTS", "POISSON", "Shape", "arrivals"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A rate that changes between two levels, as a square wave: every period begins with a burst.

    Attributes:
        period_s: From burst to burst, seconds.
        burst_share: Share of the period that is burst, in (0, 1).
        burst_factor: Rate within the burst, as a multiple of the mean; at most ``1 / burst_share``.
    """

    period_s: float
    burst_share: float
    burst_factor: float

    @property
    def calm_factor(self) -> float:
        """Rate between bursts, as a multiple of the mean: what keeps the mean."""
        return (1 - self.burst_share * self.burst_factor) / (1 - self.burst_share)

    def time_of(self, work_s: float) -> float:
        """The time by which this much of the mean rate has come: the inverse of the rate's integral."""
        periods, rest_s = divmod(work_s, self.period_s)
        burst_s = self.period_s * self.burst_share
        in_burst_s = burst_s * self.burst_factor
        if rest_s < in_burst_s:
            return periods * self.period_s + rest_s / self.burst_factor
        return periods * self.period_s + burst_s + (rest_s - in_burst_s) / self.calm_factor


POISSON = Shape(period_s=1.0, burst_share=0.5, burst_factor=1.0)
"""A constant rate."""

BURSTS = Shape(period_s=10.0, burst_share=0.2, burst_factor=3.0)
"""2 s at three times the mean rate, then 8 s at half of it."""


def arrivals(rate: float, seconds: float, rng: Random, shape: Shape = POISSON) -> Iterator[float]:
    """Times of a Poisson process whose rate follows the shape.

    Args:
        rate: Mean rate, calls a second.
        seconds: Length of the schedule.
        rng: Source of all chance.
        shape: How the rate changes.

    Yields:
        Seconds from the start, rising, below ``seconds``.
    """
    work_s = rng.expovariate(rate)
    while (due_s := shape.time_of(work_s)) < seconds:
        yield due_s
        work_s += rng.expovariate(rate)
