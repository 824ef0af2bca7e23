"""Pure arithmetic of the bench: rates, open-loop arrivals, medians."""

import statistics
from collections.abc import Iterator, Sequence
from random import Random

__all__ = ["arrival_times_s", "median", "steady_rate"]

_CUT = 0.05
"""Share of the events left out at each end: filling up and running out are no steady state."""
_MIN_EVENTS = 3


def steady_rate(at_s: Sequence[float]) -> float:
    """Events a second in the middle of a run.

    Args:
        at_s: When each event was, seconds, in any order.

    Raises:
        ValueError: Fewer than three events, or all of one moment.
    """
    ordered = sorted(at_s)
    first = int(len(ordered) * _CUT)
    last = len(ordered) - 1 - first
    if len(ordered) < _MIN_EVENTS or ordered[last] <= ordered[first]:
        message = f"{len(ordered)} events between {ordered[:1]} and {ordered[-1:]} make no rate: run more"
        raise ValueError(message)
    return (last - first) / (ordered[last] - ordered[first])


def arrival_times_s(rate: float, num_arrivals: int, seed: int) -> Iterator[float]:
    """Seconds from the start at which a Poisson process of this rate has its arrivals."""
    rng = Random(seed)
    at_s = 0.0
    for _ in range(num_arrivals):
        at_s += rng.expovariate(rate)
        yield at_s


def median(values: Sequence[float], digits: int) -> float:
    """Their median, rounded."""
    return round(statistics.median(values), digits)
