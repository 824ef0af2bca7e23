"""`precis load`: open-loop load on the scorer: what it can take, whether it lasts, and what it does without a part."""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ops.load.run import Load, Plan
    from ops.load.site import Site
    from ops.load.traffic import Mix

__all__ = ["register"]


class _Profile(StrEnum):
    EMBEDDED = "embedded"
    LOCAL_REAL = "local-real"


class _Consistency(StrEnum):
    STRICT = "strict"
    BOUNDED = "bounded"


Profile = Annotated[_Profile, typer.Option(help="What is started: local-real brings Apache Kafka and the KV stand-in.")]
Engine = Annotated[str, typer.Option(help="Of the ranker: local, vllm or sglang.")]
Postings = Annotated[int, typer.Option(min=200, help="Postings generated and ingested first.")]
Queries = Annotated[int, typer.Option(min=1, help="Distinct queries, Zipf-distributed.")]
Candidates = Annotated[int, typer.Option(min=1, max=1000, help="Candidates of a call.")]
DeadlineMs = Annotated[int, typer.Option(min=1, help="Deadline of a call, milliseconds.")]
EditRate = Annotated[float, typer.Option("--edits", min=0, help="Changes of postings a second, meanwhile.")]
Insensitive = Annotated[float, typer.Option(min=0, max=1, help="Share of calls of the class latency_insensitive.")]
Consistency = Annotated[_Consistency | None, typer.Option(help="Of each call; by default the scorer's own, strict.")]
MaxLagMs = Annotated[int, typer.Option(min=1, help="Bound of bounded calls, milliseconds.")]
Seed = Annotated[int, typer.Option(help="Of all that is drawn.")]
Rate = Annotated[float | None, typer.Option(min=0.01, help="1x, calls a second; by default a search finds it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    load = typer.Typer(help="Open-loop load on the scorer.", invoke_without_command=True)
    load.callback()(rates)
    load.command()(soak)
    load.command()(kills)
    app.add_typer(load, name="load", rich_help_panel="Operation")


def rates(  # noqa: PLR0913 - options of a command are its arguments
    context: typer.Context,
    *,
    profile: Profile = _Profile.EMBEDDED,
    engine: Engine = "local",
    url: Annotated[str, typer.Option(help="Address of a scorer that runs already: nothing is started.")] = "",
    ingest: Annotated[bool, typer.Option(help="Publish the postings; without, they are there already.")] = True,
    rate: Rate = None,
    first_rate: Annotated[float, typer.Option(min=0.01, help="Where the search begins, calls a second.")] = 8.0,
    probe_seconds: Annotated[float, typer.Option(min=1, help="Least length of each trial of the search.")] = 20.0,
    seconds: Annotated[float, typer.Option(min=1, help="Length of each rate.")] = 90.0,
    factor: Annotated[list[float] | None, typer.Option(help="Multiple of 1x; by default 1, 1.5 and 3.")] = None,
    bursts: Annotated[bool, typer.Option(help="Bursts at a mean of 1x as well.")] = True,
    postings: Postings = 2_000,
    queries: Queries = 10_000,
    candidates: Candidates = 100,
    deadline_ms: DeadlineMs = 500,
    edits: EditRate = 2.0,
    insensitive: Insensitive = 0.0,
    consistency: Consistency = None,
    max_lag_ms: MaxLagMs = 2_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Seek the highest rate with p99 inside the deadline, then measure at 1x, 1.5x and 3x of it, and in bursts.

    Calls come when they are due, whatever the scorer does; latency counts from then. Every rate has queries of its own,
    so all caches of scores are cold. Exit status 1 where an answer was stale.
    """
    if context.invoked_subcommand:
        return
    from ops.load.present import print_rates
    from ops.load.rates import RatesPlan, measure_rates
    from ops.load.search import Steps

    mix = _mix(queries, candidates, deadline_ms, insensitive, consistency, max_lag_ms)
    plan = _plan(seed, postings, edits, mix, ingest=ingest)
    chosen = RatesPlan(
        seconds=seconds,
        probe_s=probe_seconds,
        rate=rate,
        steps=Steps(first=first_rate),
        factors=tuple(factor or (1.0, 1.5, 3.0)),
        with_bursts=bursts,
    )
    with _site(profile, engine, url) as (site, directory):
        result = _run(plan, site, directory, lambda load: measure_rates(load, chosen), profile=profile, engine=engine)
    _finish(result, print_rates, as_json=as_json, is_good=result["stale"] == 0)


def soak(  # noqa: PLR0913 - options of a command are its arguments
    *,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long memory is looked at.")] = 10.0,
    warm_up_minutes: Annotated[float, typer.Option(min=0, help="Load before that.")] = 5.0,
    profile: Profile = _Profile.EMBEDDED,
    engine: Engine = "local",
    rate: Rate = None,
    postings: Postings = 2_000,
    queries: Queries = 10_000,
    candidates: Candidates = 100,
    deadline_ms: DeadlineMs = 500,
    edits: EditRate = 2.0,
    insensitive: Insensitive = 0.0,
    consistency: Consistency = None,
    max_lag_ms: MaxLagMs = 2_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Load at 1x for long, and see whether the scorer's memory stays flat. Exit status 1 where it does not."""
    from ops.load.present import print_soak
    from ops.load.rates import RatesPlan, seek
    from ops.load.soak import soak as hold

    async def work(load: "Load") -> dict[str, Any]:
        found, _ = await seek(load, RatesPlan(rate=rate))
        return await hold(load, found, minutes * 60, warm_up_s=warm_up_minutes * 60)

    mix = _mix(queries, candidates, deadline_ms, insensitive, consistency, max_lag_ms)
    plan = _plan(seed, postings, edits, mix)
    with _site(profile, engine) as (site, directory):
        result = _run(plan, site, directory, work, profile=profile, engine=engine)
    is_good = result["memory"]["is_flat"] and result["load"]["stale"] == 0
    _finish(result, print_soak, as_json=as_json, is_good=is_good)


def kills(  # noqa: PLR0913 - options of a command are its arguments
    *,
    profile: Profile = _Profile.EMBEDDED,
    engine: Engine = "local",
    rate: Rate = None,
    away: Annotated[float, typer.Option(min=0.5, help="How long each part is away, seconds.")] = 8.0,
    postings: Postings = 2_000,
    queries: Queries = 10_000,
    candidates: Candidates = 100,
    deadline_ms: DeadlineMs = 500,
    edits: EditRate = 2.0,
    insensitive: Insensitive = 0.0,
    consistency: Consistency = None,
    max_lag_ms: MaxLagMs = 2_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Load at 0.5x, and take away cache, store, engine and broker, one after the other.

    Exit status 1 where a call failed (5xx or no answer) although something could answer: only strict calls without the
    store may.
    """
    from dataclasses import replace

    from ops.load.kills import KillsPlan, hold_drills
    from ops.load.present import print_kills
    from ops.load.rates import RatesPlan, seek

    async def work(load: "Load") -> dict[str, Any]:
        found, _ = await seek(load, RatesPlan(rate=rate))
        return await hold_drills(load, found / 2, KillsPlan(away_s=away), _say, consistency or "strict")

    mix = replace(_mix(queries, candidates, deadline_ms, insensitive, consistency, max_lag_ms), fallback=True)
    plan = _plan(seed, postings, edits, mix)
    with _site(profile, engine) as (site, directory):
        result = _run(plan, site, directory, work, profile=profile, engine=engine)
    _finish(result, print_kills, as_json=as_json, is_good=result["is_well"] and result["stale"] == 0)


def _say(step: str) -> None:
    typer.echo(step, err=True)


def _mix(
    queries: int,
    candidates: int,
    deadline_ms: int,
    insensitive: float,
    consistency: _Consistency | None,
    max_lag_ms: int,
) -> "Mix":
    from ops.load.traffic import Mix

    return Mix(
        num_queries=queries,
        num_candidates=candidates,
        deadline_ms=deadline_ms,
        insensitive_share=insensitive,
        consistency=consistency or "",
        max_lag_ms=max_lag_ms,
    )


def _plan(seed: int, postings: int, edits: float, mix: "Mix", *, ingest: bool = True) -> "Plan":
    from ops.load.edits import EditMix
    from ops.load.run import Plan
    from schemas.errors import ConfigurationError

    if mix.num_candidates > postings // 2:
        raise ConfigurationError(f"{mix.num_candidates} candidates of {postings} postings: name at most half of them")
    return Plan(seed=seed, num_postings=postings, mix=mix, edits=EditMix(rate=edits), is_ingesting=ingest)


@contextmanager
def _site(profile: _Profile, engine: str, url: str = "") -> "Iterator[tuple[Site, Path]]":
    from ops.commands.keep import stop_on_signals
    from ops.load.site import own_site, running_site
    from ops.settings import load_settings

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is the point, not news
    stop_on_signals()
    with TemporaryDirectory(prefix="precis-load-") as made:
        directory = Path(made)
        if url:
            salt = int(time.time()) % 1_000_000
            yield running_site(load_settings(), url.rstrip("/"), salt), directory
        else:
            with own_site(profile, engine, directory / "data", on_step=_say) as site:
                yield site, directory


def _run(
    plan: "Plan",
    site: "Site",
    directory: Path,
    work: "Callable[[Load], Awaitable[dict[str, Any]]]",
    *,
    profile: str,
    engine: str,
) -> dict[str, Any]:
    from ops.load.present import context_of
    from ops.load.run import Load

    load, before = Load(plan, site, directory, _say), os.getloadavg()

    async def run() -> dict[str, Any]:
        async with load.prepared():
            return await work(load)

    result = asyncio.run(run())
    profile = profile if site.stack is not None else "running"
    return result | context_of(load, profile=profile, engine=engine, load_before=before)


def _finish(result: dict[str, Any], show: Callable[..., None], *, as_json: bool, is_good: bool) -> None:
    from rich.console import Console

    if as_json:
        typer.echo(json.dumps(result))
    else:
        show(Console(), result)
    sys.exit(0 if is_good else 1)
