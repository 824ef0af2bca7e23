"""Whether a window of postings is distributed as the reference is. Pure.

Two signals, one statistic each. *divergence*: each posting's mean divergence, in bins that each hold an eighth of the
reference. *industry*: the mix of industries. The statistic is the population stability index of the window's shares p
against the reference's shares q,

    PSI = sum_i (p_i - q_i) ln(p_i / q_i),

with half a posting added to each bin, so that an empty one is no infinity. A posting is one draw; pairs of one posting
are not independent, and do not count as several.

Where both are drawn from one distribution, PSI * nm / (n + m) is asymptotically chi-squared with B - 1 degrees of
freedom (n and m postings, B bins; Yurdakul and Naranjo, Statistical properties of the population stability index,
2020). So a window is *off* where the index is above both
- the bound that chance exceeds once in a thousand windows, and
- 0.2, by convention a change worth acting on: with large windows chance exceeds nothing, and everything is significant.

Hysteresis: two windows in a row that are off raise a signal, two in a row that are not lower it. What this gives in
simulation stands in ``tests/property/stream/test_drift_detector.py``.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

__all__ = ["MATERIAL_PSI", "Finding", "Signal", "chance_bound", "compare_mix", "compare_values", "psi"]

MATERIAL_PSI = 0.2
_FALSE_ALARM_RATE = 0.001
"""Of one window and signal, by chance alone."""
_NUM_BINS = 8
_LEAST_EXPECTED = 5.0
"""Postings of a category that a window must be expected to hold; rarer ones are counted together."""
_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What the test says of one window.

    Attributes:
        statistic: Its population stability index.
        threshold: What it must not exceed.
    """

    statistic: float
    threshold: float

    @property
    def is_off(self) -> bool:
        """Whether the window is not distributed as the reference is."""
        return self.statistic > self.threshold


def psi(reference: Sequence[int], window: Sequence[int]) -> float:
    """The population stability index of two rows of counts over the same bins; 0 of alike shares, symmetric.

    Args:
        reference: [B] counts.
        window: [B] counts.
    """
    num_reference, num_window = (sum(counts) + len(counts) / 2 for counts in (reference, window))
    total = 0.0
    for count_reference, count_window in zip(reference, window, strict=True):
        q, p = (count_reference + 0.5) / num_reference, (count_window + 0.5) / num_window
        total += (p - q) * math.log(p / q)
    return total


def chance_bound(num_reference: int, num_window: int, num_bins: int) -> float:
    """The index that samples of one distribution exceed once in a thousand times.

    The quantile of the chi-squared distribution is Wilson and Hilferty's, up to 3 % too high for so few bins.
    """
    degrees = num_bins - 1
    if degrees < 1:
        return 0.0
    z = NormalDist().inv_cdf(1 - _FALSE_ALARM_RATE)
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + z * math.sqrt(spread)) ** 3 * (1 / num_reference + 1 / num_window)


def _finding(reference: Sequence[int], window: Sequence[int]) -> Finding:
    bound = chance_bound(sum(reference), sum(window), len(reference))
    return Finding(psi(reference, window), max(MATERIAL_PSI, bound))


def compare_values(reference: Sequence[float], window: Sequence[float]) -> Finding:
    """Compare two samples of a number, neither empty. Bins that equal values would leave empty are merged."""
    ordered = sorted(reference)
    edges = sorted({ordered[len(ordered) * part // _NUM_BINS] for part in range(1, _NUM_BINS)})
    return _finding(_histogram(reference, edges), _histogram(window, edges))


def _histogram(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    counts = [0] * (len(edges) + 1)  # a bin ends with its edge: what is above the largest equal ones is apart from them
    for value in values:
        counts[bisect_left(edges, value)] += 1
    return counts


def compare_mix(reference: Mapping[str, int], window: Mapping[str, int]) -> Finding:
    """Compare two counts of categories, neither empty.

    What the reference has too little of, or nothing, is one category: a new one shows there.
    """
    share = sum(window.values()) / sum(reference.values())
    kept = sorted(name for name, count in reference.items() if count * share >= _LEAST_EXPECTED)
    rows = []
    for counts in (reference, window):
        row = [counts.get(name, 0) for name in kept]
        rows.append([*row, sum(counts.values()) - sum(row)])
    return _finding(rows[0], rows[1])


@dataclass(frozen=True, slots=True)
class Signal:
    """A finding over time.

    Attributes:
        is_raised: Whether drift is reported.
        num_against: Windows in a row that speak against that.
    """

    is_raised: bool = False
    num_against: int = 0

    def after(self, finding: Finding) -> "Signal":
        """The signal after one more window."""
        if finding.is_off == self.is_raised:
            return Signal(self.is_raised)
        num_against = self.num_against + 1
        return Signal(not self.is_raised) if num_against >= _IN_A_ROW else Signal(self.is_raised, num_against)
