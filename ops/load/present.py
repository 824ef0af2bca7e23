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
_ROWS: Mapping[str, str] = {
    "rate_per_s": "calls/s",
    "offered": "offered",
    "admitted": "admitted",
    "refused": "refused",
    "deadline_misses_admitted": "deadline missed",
    "late_sends": "sent late",
    "depth_p5": "depth p5",
    "depth_p50": "depth p50",
    "depth_p95": "depth p95",
    "hit_rate": "hit rate",
    "goodput_per_s": "goodput, candidates/s",
    "scored_share": "scored share",
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
    """A column a rate, then what the product is held to."""
    rates: Mapping[str, Mapping[str, Any]] = result["rates"]
    table = Table(box=None, header_style="bold", padding=(0, 1))
    table.add_column("")
    for name in rates:
        table.add_column(name, justify="right")
    for key, title in _ROWS.items():
        table.add_row(title, *(_text(figures[key]) for figures in rates.values()))
    for share in ("p50", "p99", "p99.9"):
        table.add_row(f"latency {share}, ms", *(_text(figures["latency_ms"][share]) for figures in rates.values()))
    for name in sorted({name for figures in rates.values() for name in figures["cpu_cores"]}):
        table.add_row(f"cores: {name}", *(_text(figures["cpu_cores"].get(name)) for figures in rates.values()))
    console.print(table)
    for name, value in result.items():
        if name == "meets" or not isinstance(value, Mapping | list):
            console.print(f"{name:28} {value}", highlight=False, soft_wrap=True)


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
