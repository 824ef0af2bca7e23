"""`precis bench`: what the services add to the engine's own time, and what the engines make of this machine."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ops.bench.brokers import BrokerKind
from ops.bench.engines.plan import Contender

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    bench = typer.Typer(help="Measurements of services and engines.", no_args_is_help=True)
    bench.command("nearline")(nearline)
    bench.command("engine")(engine)
    bench.command("prefix")(prefix)
    bench.command("depth")(depth)
    bench.command("near-cache")(near_cache)
    app.add_typer(bench, name="bench", rich_help_panel="Operation")


def nearline(
    *,
    broker: Annotated[BrokerKind, typer.Option(help="Apache Kafka (Java), or the embedded one.")] = BrokerKind.KAFKA,
    rounds: Annotated[int, typer.Option(min=1, help="Short runs of every measurement; medians are reported.")] = 5,
    jobs: Annotated[int, typer.Option(min=40, help="Postings of each round, published at once.")] = 2_000,
    arrivals: Annotated[int, typer.Option(min=40, help="Postings of each round that arrive one by one.")] = 2_000,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Nearline processes on one store: one core each. By default 2, embedded 1."),
    ] = None,
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
        num_workers=workers or (1 if broker is BrokerKind.EMBEDDED else 2),
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


def engine(
    *,
    engines: Annotated[
        list[Contender] | None, typer.Option("--engine", help="Who takes part; by default all that are installed.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Requests to each, in turn; medians are reported.")] = 5,
    bundle: Annotated[
        Path | None, typer.Option(help="A ranker; by default one of Qwen3-0.6B's shape is made, weights random.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU cores of each engine; by default all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Items a second of each engine in bfloat16 on the CPU: 32 items of 60 tokens beside a query of 140.

    All stay awake, one is asked at a time, with a query that none has seen; 10 GB of memory for all.
    """
    from rich.console import Console

    from ops.bench.engines.plan import Plan
    from ops.bench.engines.run import bench_engines
    from ops.commands.keep import stop_on_signals
    from ops.settings import load_settings

    plan = Plan(contenders=tuple(engines or Contender), num_runs=runs, threads=threads)
    stop_on_signals()
    console = Console(stderr=True)
    result = bench_engines(
        load_settings(), plan, bundle=bundle, on_step=lambda step: console.print(step, highlight=False)
    )
    if as_json:
        typer.echo(json.dumps(result))
        return
    for row in result["engines"]:
        typer.echo(f"{row['engine']:16} {row['items_per_s']:>8.2f} items/s  {row['seconds']:>8.3f} s")
    for name, value in result.items():
        if isinstance(value, int | float):
            typer.echo(f"{name:32} {value:>10,.3f}")


def prefix(
    *,
    bundle: Annotated[
        Path | None, typer.Option(help="A ranker; by default one of Qwen3-0.6B's shape, weights random.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU cores; by default all.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="Of each way, in turn; medians are reported.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """What computing a shared query once gains, by its share of the prompt: local engine, 32 prompts of 200 tokens."""
    import os

    from ops.bench.engines.torch_side import prefix_gain
    from ops.commands.keep import stop_on_signals
    from ops.settings import load_settings

    stop_on_signals()
    result = prefix_gain(load_settings().engine, bundle, threads or os.cpu_count() or 1, runs)
    if as_json:
        typer.echo(json.dumps(result))
        return
    typer.echo(f"{'query share':>11} {'items/s':>9} {'apart':>9} {'gain':>6} {'by rows':>8}")
    for row in result["shares"]:
        typer.echo(
            f"{row['prefix_share']:>11.0%} {row['items_per_s']:>9.2f} {row['items_per_s_apart']:>9.2f} "
            f"{row['gain']:>6.2f} {row['rows_ratio']:>8.2f}"
        )


def depth(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False
) -> None:
    """NDCG@10 of the judged samples when only a share of the candidates is scored; docs/depth.md explains it."""
    from rich.console import Console

    from ops.bench.depth_run import bench_depth
    from ops.bench.depth_tables import depth_tables
    from ops.commands.keep import stop_on_signals
    from ops.settings import load_settings

    stop_on_signals()
    console = Console(stderr=True)
    result = bench_depth(load_settings(), on_step=lambda step: console.print(step, highlight=False))
    if as_json:
        typer.echo(json.dumps(result))
        return
    typer.echo(depth_tables(result))


def near_cache(
    *,
    postings: Annotated[int, typer.Option(min=200, help="Rows of the file.")] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Size of the scorers' near-cache by posting, and the time of reading 100 candidates from it."""
    from ops.bench.near_cache import bench_near_cache
    from ops.settings import load_settings

    result = bench_near_cache(load_settings().ranker.bundle, num_postings=postings)
    if as_json:
        typer.echo(json.dumps(result))
        return
    for name, value in result.items():
        typer.echo(f"{name:20} {value!s:>12}")
