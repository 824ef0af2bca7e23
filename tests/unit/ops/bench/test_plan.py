"""The plan of a run and the object that it prints."""

import json
from dataclasses import asdict

import pytest

from ops.bench.brokers import BrokerKind
from ops.bench.plan import Plan, Round, result_of
from schemas.errors import ConfigurationError


def round_with(**changes):
    """A round of plausible figures."""
    figures = {
        "direct_per_s": 300.0,
        "nearline_per_s": 297.0,
        "unchanged_per_s": 1500.0,
        "stale_per_s": 2500.0,
        "freshness_p50_s": 0.1,
        "freshness_p99_s": 0.6,
        "freshness_overhead_p99_s": 0.05,
    }
    return Round(**(figures | changes))


def test_medians_are_over_rounds_and_ratios_within_one():
    """A slow round makes both of its rates slow, and not the ratio."""
    rounds = [round_with(), round_with(direct_per_s=100.0, nearline_per_s=99.0), round_with(unchanged_per_s=1.0)]
    result = result_of(rounds, {"broker": "kafka"})
    assert result["throughput_ratio"] == 0.99
    assert result["unchanged_per_s"] == 1500.0
    assert [run["unchanged_per_s"] for run in result["runs"]] == [1500.0, 1500.0, 1.0]
    assert set(asdict(rounds[0])) | {"throughput_ratio", "runs", "broker"} == set(result)
    json.dumps(result)


def test_sharing_partitions_needs_a_broker_that_can():
    """The embedded one takes one consumer a group."""
    with pytest.raises(ConfigurationError, match="num_workers is 2"):
        Plan(broker=BrokerKind.EMBEDDED, num_workers=2)


@pytest.mark.parametrize("changes", [{"num_rounds": 0}, {"num_jobs": 10}, {"num_arrivals": 1}, {"max_in_flight": 0}])
def test_a_plan_that_gives_no_figures_is_refused(changes):
    """By name and value."""
    ((name, value),) = changes.items()
    with pytest.raises(ConfigurationError, match=f"{name} is {value}"):
        Plan(**changes)
