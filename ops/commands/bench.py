"""`precis bench`: what the services add to the engine's own time."""

import json
from typing import Annotated

import typer

from ops.bench.brokers import BrokerKind

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    bench = typer.Typer(help="Measurements of the services.", no_args_is_help=True)
    bench.command("nearline")(nearline)
    bench.callback()(lambda: None)
    app.add_typer(bench, name="bench", rich_help_panel="Operation")


def nearline(
    *,
    broker: Annotated[BrokerKind, typer.Option(help="Apache Kafka (Java), or the embedded one.")] = BrokerKind.KAFKA,
    rounds: Annotated[int, typer.Option(min=1, help="Short runs of every measurement; medians are reported.")] = 5,
    jobs: Annotated[int, typer.Option(min=40, help="Postings of each round, published at once.")] = 2_000,
    arrivals: Annotated[int, typer.Option(min=40, help="Postings of each round that arrive one by one.")] = 2_000,
    workers: Annotated[int, typer.Option(min=1, help="Nearline processes on one store.")] = 1,
    mean_ms: Annotated[float, typer.Option(min=0, help="Mean service time of the engine, milliseconds.")] = 100.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Throughput, freshness and the rate of unchanged postings, beside the same engine without the service.

    The engine is a process without a model: log-normal service time, a function of the prompt, 32 slots.
    """
    from rich.console import Console

    from ops.bench.engine import ServiceTime
    from ops.bench.plan import Plan
    from ops.bench.run import bench_nearline
    from ops.commands.keep import stop_on_signals
    from ops.settings import load_settings

    plan = Plan(
        broker=broker,
        num_rounds=rounds,
        num_jobs=jobs,
        num_arrivals=arrivals,
        num_workers=workers,
        service_time=ServiceTime(mean_s=mean_ms / 1000, sigma=0.8),
    )
    stop_on_signals()
    console = Console(stderr=True)
    result = bench_nearline(load_settings(), plan, on_step=lambda step: console.print(step, highlight=False))
    if as_json:
        typer.echo(json.dumps(result))
        return
    for name, value in result.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            typer.echo(f"{name:28} {value:>12,.3f}")
