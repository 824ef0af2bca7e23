"""A whole run: broker, engine, service, rounds."""

import os
import platform
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ops.bench.brokers import BrokerKind, kafka_version, running_broker
from ops.bench.machine import cpu_model
from ops.bench.nearline import NearlineBench, prompt_of
from ops.bench.plan import Plan, result_of
from ops.bench.postings import Catalogue
from ops.bench.services import running_services
from ops.bench.wire import Wire
from ops.settings import Settings

__all__ = ["bench_nearline"]

_PACKAGES = ("precis", "faust-streaming", "aiokafka", "aiohttp", "pydantic", "tokenizers", "confluent-kafka")


def bench_nearline(settings: Settings, plan: Plan, *, on_step: Callable[[str], None]) -> dict[str, Any]:
    """Measure the nearline service on a broker and a store made for this run.

    Args:
        settings: Bundles, topics and limits.
        plan: How much.
        on_step: Told what is being done.

    Returns:
        See ``result_of``.

    Raises:
        PrecisError: A part did not start, failed, or did not answer.
    """
    settings = _for_bench(settings, plan)
    with TemporaryDirectory(prefix="precis-bench-") as made, ExitStack() as stack:
        directory = Path(made)
        on_step(f"start {plan.broker} broker, engine and {plan.num_workers} nearline")
        broker = stack.enter_context(running_broker(plan.broker, settings.topics, directory))
        services = stack.enter_context(
            running_services(
                settings,
                broker,
                plan.service_time,
                num_slots=plan.num_slots,
                num_workers=plan.num_workers,
                directory=directory,
            )
        )
        wire = stack.enter_context(Wire(broker.bootstrap, settings.topics))
        bench = NearlineBench(plan, services, wire, Catalogue(), prompt_of(settings), on_step)
        bench.warm_up()
        load_before = os.getloadavg()
        rounds = [bench.round(number) for number in range(plan.num_rounds)]
    return result_of(rounds, _context(plan, load_before))


def _for_bench(settings: Settings, plan: Plan) -> Settings:
    nearline = settings.nearline.model_copy(update={"max_in_flight": plan.max_in_flight, "reserved_slots": None})
    return settings.model_copy(update={"nearline": nearline})


def _context(plan: Plan, load_before: tuple[float, float, float]) -> dict[str, Any]:
    return {
        "broker": str(plan.broker),
        "num_workers": plan.num_workers,
        "num_jobs": plan.num_jobs,
        "num_arrivals": plan.num_arrivals,
        "load": plan.load,
        "engine": {
            "mean_s": plan.service_time.mean_s,
            "sigma": plan.service_time.sigma,
            "num_slots": plan.num_slots,
            "max_in_flight": plan.max_in_flight,
        },
        "cpu": {
            "model": cpu_model(),
            "num_cores": os.cpu_count(),
            # Above the number of cores: others worked on this machine meanwhile, or the bench itself was too much.
            "load_average_before": [round(value, 2) for value in load_before],
            "load_average_after": [round(value, 2) for value in os.getloadavg()],
        },
        "versions": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
        | {name: version(name) for name in _PACKAGES}
        | ({"kafka": kafka_version()} if plan.broker is BrokerKind.KAFKA else {}),
    }
