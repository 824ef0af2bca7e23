"""How often the detector is wrong, in seeded simulations: the rates that its docstring and the runbook promise.

Divergences are log-normal, industries as skewed as a catalogue's; sizes are the defaults (reference 400, window 200).
"""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from stream.drift.detector import Finding, Signal, compare_mix, compare_values
from stream.drift.industry import Industry
from stream.drift.windows import Kind

REFERENCE, WINDOW = 400, 200
NAMES = [str(industry) for industry in Industry]
SKEWED = [1 / (1 + place) for place in range(len(NAMES))]


def draw(rng: random.Random, size: int, mix: Sequence[float], scale: float) -> tuple[list[float], Counter[str]]:
    values = [scale * rng.lognormvariate(-4, 1.2) for _ in range(size)]
    return values, Counter(rng.choices(NAMES, mix, k=size))


def windows(seed: int, count: int, *, mix: Sequence[float] = SKEWED, scale: float = 1.0) -> list[dict[Kind, Finding]]:
    """Findings of so many windows of this distribution, against a reference of the usual one."""
    rng = random.Random(seed)
    values, industries = draw(rng, REFERENCE, SKEWED, 1.0)
    found = []
    for _ in range(count):
        later_values, later_industries = draw(rng, WINDOW, mix, scale)
        found.append(
            {
                Kind.DIVERGENCE: compare_values(values, later_values),
                Kind.INDUSTRY: compare_mix(industries, later_industries),
            }
        )
    return found


def raised_after(findings: Sequence[Finding]) -> int | None:
    """Windows until the signal is raised."""
    signal = Signal()
    for number, finding in enumerate(findings, start=1):
        signal = signal.after(finding)
        if signal.is_raised:
            return number
    return None


@pytest.mark.parametrize("kind", list(Kind))
def test_no_alarm_where_nothing_changed(kind: Kind) -> None:
    """3,000 windows of the reference's own distribution: at most 3 in a thousand are off, and no alarm is raised."""
    runs = [[each[kind] for each in windows(seed, 30)] for seed in range(100)]
    num_off = sum(finding.is_off for findings in runs for finding in findings)
    assert num_off <= 9
    assert [raised_after(findings) for findings in runs] == [None] * len(runs)


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_shifted_mix_is_caught(share: float) -> None:
    """So much of everything becomes one industry that was rare before: alarm after the second window, mostly."""
    mix = [(1 - share) * weight / sum(SKEWED) for weight in SKEWED]
    mix[-1] += share
    found = [raised_after([each[Kind.INDUSTRY] for each in windows(seed, 4, mix=mix)]) for seed in range(30)]
    assert found.count(2) >= 27
    assert None not in found


def test_doubled_divergences_are_caught() -> None:
    """Whatever the industries are: alarm after the second window, mostly, and never later than the fifth."""
    found = [raised_after([each[Kind.DIVERGENCE] for each in windows(seed, 5, scale=2.0)]) for seed in range(30)]
    assert found.count(2) >= 24
    assert None not in found


def test_an_alarm_ends_with_its_cause() -> None:
    """Two windows of the old distribution lower the signal again."""
    findings = [each[Kind.DIVERGENCE] for each in [*windows(1, 2, scale=3.0), *windows(1, 2)]]
    signal, seen = Signal(), []
    for finding in findings:
        signal = signal.after(finding)
        seen.append(signal.is_raised)
    assert seen == [False, True, True, False]
