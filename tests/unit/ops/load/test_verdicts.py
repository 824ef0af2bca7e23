"""Soak, kills and rates: from figures to verdicts."""

import pytest

from ops.load.kills import HEALTHY, Phase, is_well, phase_figures, phase_of
from ops.load.rates import is_sustained, totals
from ops.load.soak import flatness
from tests.unit.ops.load.builders import outcome, sent


def _memory(mib_at):
    return flatness([(float(at_s), mib_at(at_s)) for at_s in range(0, 600, 5)])


def test_flat_memory_is_flat_though_it_trembles() -> None:
    """Noise has no direction."""
    found = _memory(lambda at_s: 200.0 + (at_s % 3))
    assert found["is_flat"]
    assert found["rss_mib_last_third"] == pytest.approx(201, abs=0.5)
    assert abs(found["slope_mib_per_min"]) < 0.05


def test_a_leak_is_found() -> None:
    """1 MiB a minute at 100 MiB."""
    found = _memory(lambda at_s: 100.0 + at_s / 60)
    assert not found["is_flat"]
    assert found["slope_mib_per_min"] == pytest.approx(1.0)
    assert found["growth_share"] > 0.03


def test_memory_that_falls_is_flat() -> None:
    """Only growth is a fault."""
    assert _memory(lambda at_s: 200.0 - at_s / 10)["is_flat"]


PHASES = [Phase("cache", 10.0, 20.0), Phase("store", 30.0, 40.0)]


@pytest.mark.parametrize(
    ("due_s", "latency_s", "name"),
    [(5.0, 1.0, HEALTHY), (9.5, 1.0, "cache"), (19.9, 5.0, "cache"), (20.0, 1.0, HEALTHY), (29.0, 2.0, "store")],
)
def test_a_call_belongs_to_the_phase_that_any_part_of_it_lay_in(due_s: float, latency_s: float, name: str) -> None:
    """Also where it began before the part went away."""
    assert phase_of(sent(due_s=due_s, latency_s=latency_s), PHASES) == name


def _phases(**failed):
    names = (HEALTHY, "cache", "store", "engine", "broker")
    return {name: {"calls": 10, "failed": failed.get(name, 0)} for name in names}


@pytest.mark.parametrize(
    ("phases", "consistency", "expected"),
    [
        (_phases(), "strict", True),
        (_phases(store=9), "strict", True),
        (_phases(store=9), "bounded", False),
        (_phases(engine=1), "strict", False),
        (_phases(healthy=1), "strict", False),
        (_phases() | {"broker": {"calls": 0, "failed": 0}}, "strict", False),
    ],
)
def test_only_strict_calls_without_a_store_may_fail(phases, consistency: str, expected: bool) -> None:
    """A phase that no call met proves nothing."""
    assert is_well(phases, consistency)["is_well"] is expected


def test_figures_of_a_phase() -> None:
    """Answers by status and source; refusals are no failures."""
    found = phase_figures([outcome(model=3), outcome(status=503), outcome(status=0), outcome(status=429)])
    assert found["statuses"] == {"0": 1, "200": 1, "429": 1, "503": 1}
    assert (found["calls"], found["failed"], found["sources"]) == (4, 2, {"model": 3})
    assert found["errors"] == {"ClientOSError": 1}


@pytest.mark.parametrize(
    ("missed", "in_time", "depth", "expected"),
    [
        (0.01, 0.99, 0.91, True),
        (0.0, 0.95, 0.95, True),  # one in twenty refused, the others deep
        (0.0, 0.9, 0.99, False),  # refused calls have no depth
        (0.011, 0.99, 1.0, False),
        (0.0, 1.0, 0.89, False),
        (None, None, None, False),
    ],
)
def test_what_is_sustained(missed, in_time, depth, expected: bool) -> None:
    """p99 of the admitted inside the deadline, and depth over all that was asked."""
    figures = {"miss_share": missed, "in_time_share": in_time, "depth_share": depth}
    assert is_sustained(figures) is expected


def _rate(**changes):
    figures = {
        "admitted": 1_000,
        "deadline_misses_admitted": 1,
        "miss_share": 0.001,
        "stale": 0,
        "goodput_per_s": 100.0,
        "shed_share": 0.0,
        "scored_share": 1.0,
        "hit_rate": 0.5,
        "depth_p50": 100,
    }
    return figures | changes


def test_totals_are_of_all_rates_and_ratios_of_two() -> None:
    """The keys that the product is held to."""
    rates = {"1x": _rate(), "1.5x": _rate(), "3x": _rate(goodput_per_s=90.0, shed_share=0.4, scored_share=0.3)}
    found = totals(rates)
    assert (found["admitted"], found["deadline_misses_admitted"]) == (3_000, 3)
    assert (found["shed_3x"], found["scored_share_3x"], found["goodput_3x_over_1x"]) == (0.4, 0.3, 0.9)
    assert found["meets"] == {"misses": True, "goodput_3x": True, "no_stale": True}


@pytest.mark.parametrize(
    ("changes", "unmet"),
    [({"miss_share": 0.0011}, "misses"), ({"goodput_per_s": 89.0}, "goodput_3x"), ({"stale": 1}, "no_stale")],
)
def test_totals_say_what_is_not_met(changes, unmet: str) -> None:
    """Of the three goals, the one."""
    meets = totals({"1x": _rate(), "3x": _rate(**changes)})["meets"]
    assert [name for name, is_met in meets.items() if not is_met] == [unmet]
