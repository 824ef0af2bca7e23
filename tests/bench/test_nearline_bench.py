"""`precis bench nearline` runs: every figure is there and is of what it says. No figure is judged here."""

import math

from ops.bench.brokers import BrokerKind
from ops.bench.engine import ServiceTime
from ops.bench.plan import Plan
from ops.bench.run import bench_nearline
from ops.settings import load_settings


def test_one_small_round_on_the_embedded_broker() -> None:
    """Engine and service as processes; outcomes are checked by the bench itself, which fails on any other."""
    plan = Plan(
        broker=BrokerKind.EMBEDDED,
        num_rounds=1,
        num_jobs=60,
        num_arrivals=40,
        service_time=ServiceTime(mean_s=0.005, sigma=0.8),
        num_slots=8,
        max_in_flight=10,
    )
    steps: list[str] = []
    result = bench_nearline(load_settings(), plan, on_step=steps.append)
    figures = [value for name, value in result["runs"][0].items() if name != "freshness_overhead_p99_s"]
    assert all(math.isfinite(value) and value > 0 for value in figures)
    assert math.isfinite(result["freshness_overhead_p99_s"])
    assert result["cpu"]["num_cores"]
    assert result["versions"]["faust-streaming"]
    assert len(steps) == 7
