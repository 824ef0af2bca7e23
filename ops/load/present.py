"""Figures of load as a table that a person likes to read, and where they were measured."""

import os
import platform
import sqlite3
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from ops.bench.brokers import kafka_version
from ops.bench.machine import cpu_model
from ops.load.run import Load

__all__ = ["context_of", "print_kills", "print_rates", "print_soak"]

_PACKAGES = ("precis", "aiohttp", "aiokafka", "fastapi", "pydantic", "tokenizers", "uvicorn", "uvloop")
_COLUMNS: Mapping[str, str] = {
    "offered": "offered",
    "admitted": "admitted",
    "refused": "refused",
    "deadline_misses_admitted": "missed",
    "late_sends": "sent late",
    "depth_p5": "depth p5",
    "depth_p50": "p50",
    "depth_p95": "p95",
    "hit_rate": "hit rate",
    "goodput_per_s": "goodput/s",
    "scored_share": "scored",
    "stale": "stale",
}


def context_of(load: Load, *, profile: str, engine: str, load_before: tuple[float, float, float]) -> dict[str, Any]:
    """What was loaded, where, and by what."""
    plan, mix = load.plan, load.plan.mix
    return {
        "profile": profile,
        "engine": engine,
        "seed": plan.seed,
        "num_postings": plan.num_postings,
        "num_queries": mix.num_queries,
        "zipf_exponent": mix.exponent,
        "num_candidates": mix.num_candidates,
        "insensitive_share": mix.insensitive_share,
        "consistency": mix.consistency or "default",
        "edits_per_s": plan.edits.rate,
        "edits": dict(load.edits),
        "ingested": dict(load.ingested),
        "machine": {
            "cpu": cpu_model(),
            "num_cores": os.cpu_count(),
            # Above the number of cores before the run: others worked on this machine.
            "load_average_before": [round(value, 2) for value in load_before],
            "load_average_after": [round(value, 2) for value in os.getloadavg()],
        },
        "versions": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
        | {name: version(name) for name in _PACKAGES}
        | ({"kafka": kafka_version()} if profile == "local-real" else {}),
    }


def print_rates(console: Console, result: Mapping[str, Any]) -> None:
    """A line a rate, then what the product is held to."""
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for name in ("", "calls/s", *_COLUMNS.values(), "ms p50", "p99", "p99.9"):
        table.add_column(name, justify="right")
    for name, figures in result["rates"].items():
        values = [figures[key] for key in _COLUMNS]
        latencies = figures["latency_ms"].values()
        table.add_row(name, *(_text(value) for value in (figures["rate_per_s"], *values, *latencies)))
    console.print(table)
    for name, value in result.items():
        if name == "meets" or not isinstance(value, Mapping | list):
            console.print(f"{name:28} {value}", highlight=False)


def print_soak(console: Console, result: Mapping[str, Any]) -> None:
    """Memory, and the load that it was measured under."""
    for name, value in result["memory"].items():
        console.print(f"{name:28} {value}", highlight=False)
    print_rates(console, {"rates": {"soak": result["load"]}})


def print_kills(console: Console, result: Mapping[str, Any]) -> None:
    """A line a phase."""
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for name in ("without", "calls", "statuses", "sources", "ms p99", "well"):
        table.add_column(name)
    for name, figures in result["phases"].items():
        facts = (figures["calls"], _counts(figures["statuses"]), _counts(figures["sources"]), figures["latency_p99_ms"])
        table.add_row(name, *(_text(value) for value in facts), "yes" if result["well"][name] else "no")
    console.print(table)
    console.print(f"stale {result['stale']}   well {result['is_well']}", highlight=False)


def _counts(counts: Mapping[str, int]) -> str:
    return " ".join(f"{name}={count}" for name, count in counts.items())


def _text(value: object) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
