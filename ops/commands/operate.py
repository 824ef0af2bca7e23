"""`precis dlq`, `inspect`, `lag`, `probe`, `arms`, `changelog`: what an operator uses while the services run."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer

__all__ = ["register"]

_PANEL = "Operation"

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
JobId = Annotated[str | None, typer.Option(help="Key of the refused record.")]
Errors = Annotated[list[str] | None, typer.Option("--error", help="Class of the error; may be repeated.")]
Since = Annotated[str | None, typer.Option(help="Dead-lettered since: 2h (ago; s, m, h, d, w), a date, ISO 8601.")]
Until = Annotated[str | None, typer.Option(help="Dead-lettered before; as --since.")]
Topic = Annotated[str | None, typer.Option(help="Topic that the record came from.")]
Partition = Annotated[int | None, typer.Option(help="Partition of that topic.")]
Limit = Annotated[int | None, typer.Option(help="At most so many, oldest first.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    dlq = typer.Typer(help="Dead letters: records that could not be processed.", no_args_is_help=True)
    dlq.command("list")(list_dead_letters)
    dlq.command("show")(show_dead_letter)
    dlq.command("replay")(replay_dead_letters)
    app.add_typer(dlq, name="dlq", rich_help_panel=_PANEL)
    app.command("inspect", rich_help_panel=_PANEL)(inspect)
    app.command("lag", rich_help_panel=_PANEL)(lag)
    app.command("probe", rich_help_panel=_PANEL)(probe)
    app.command("arms", rich_help_panel=_PANEL)(arms)
    changelog = typer.Typer(help="The changelog of summary documents.", no_args_is_help=True)
    changelog.command("prune")(prune_changelog)
    changelog.callback()(lambda: None)
    app.add_typer(changelog, name="changelog", rich_help_panel=_PANEL)


def _run(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run to the end and exit with its status; what the client library logs of a broker that is away is our error."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    sys.exit(asyncio.run(work))


def list_dead_letters(  # noqa: PLR0913 - options of a command are its arguments
    *,
    job_id: JobId = None,
    error: Errors = None,
    since: Since = None,
    until: Until = None,
    topic: Topic = None,
    partition: Partition = None,
    limit: Limit = None,
    with_replayed: Annotated[bool, typer.Option("--all", help="Those too that were replayed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters that were not replayed, oldest first."""
    from ops.dlq.command import list_letters
    from ops.dlq.filters import TypedFilters, read_filters
    from ops.settings import load_settings

    typed = TypedFilters(
        job_id=job_id,
        errors=error or (),
        since=since,
        until=until,
        topic=topic,
        partition=partition,
        limit=limit,
    )
    filters = read_filters(typed, datetime.now(UTC))
    done = list_letters(load_settings(), filters, with_replayed=with_replayed, as_json=as_json)
    _run(done)


def show_dead_letter(
    place: Annotated[str, typer.Argument(help="Where it stands: PARTITION@OFFSET, as `precis dlq list` says.")],
    *,
    as_hex: Annotated[bool, typer.Option("--hex", help="Show the bytes in hexadecimal, readable or not.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: why, headers, original bytes, history, and what to do about it."""
    from ops.dlq.command import show_letter
    from ops.dlq.letters import Place
    from ops.settings import load_settings

    _run(show_letter(load_settings(), Place.parse(place), as_hex=as_hex, as_json=as_json))


def replay_dead_letters(  # noqa: PLR0913 - as above
    *,
    place: Annotated[list[str] | None, typer.Option(help="This letter, PARTITION@OFFSET; may be repeated.")] = None,
    job_id: JobId = None,
    error: Errors = None,
    since: Since = None,
    until: Until = None,
    topic: Topic = None,
    partition: Partition = None,
    limit: Limit = None,
    is_again: Annotated[bool, typer.Option("--again", help="Those too that were replayed before.")] = False,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would be replayed.")] = False,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish dead letters to where they came from, byte for byte, in their original place in the order."""
    from ops.dlq.command import replay_letters
    from ops.dlq.filters import TypedFilters, read_filters
    from ops.settings import load_settings

    typed = TypedFilters(
        places=place or (),
        job_id=job_id,
        errors=error or (),
        since=since,
        until=until,
        topic=topic,
        partition=partition,
        limit=limit,
    )
    filters = read_filters(typed, datetime.now(UTC))
    done = replay_letters(load_settings(), filters, is_dry=is_dry, is_sure=is_sure, is_again=is_again, as_json=as_json)
    _run(done)


def lag(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Until Ctrl-C.")] = False,
    interval_s: Annotated[float, typer.Option("--interval", min=0.2, help="Seconds between looks of --watch.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Show how far each lane of the nearline service is behind, by partition."""
    from ops.lag.command import show_lag, watch_lag
    from ops.settings import load_settings

    settings = load_settings()
    _run(watch_lag(settings, interval_s=interval_s, as_json=as_json) if watch else show_lag(settings, as_json=as_json))


def inspect(
    job_id: Annotated[str, typer.Argument(help="Id of the job.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell a posting's whole story: what is stored, published, refused and waiting, and why it is what it is."""
    from ops.inspect.command import inspect_job
    from ops.settings import load_settings

    _run(inspect_job(load_settings(), job_id, as_json=as_json))


def probe(
    *,
    interval_s: Annotated[float, typer.Option("--interval", min=0.1, help="Seconds between updates.")] = 30.0,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many; without it, on Ctrl-C.")] = None,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=0.1, help="How long an update may take, seconds.")
    ] = 60.0,
    instance: Annotated[
        str | None, typer.Option(help="Name of this probe; two at once need two. Without it, the host's.")
    ] = None,
    with_model: Annotated[
        bool, typer.Option("--model/--no-model", help="Whether the posting is long enough to need the summarizer.")
    ] = True,
    metrics_host: Annotated[str, typer.Option(help="Address of /metrics.")] = "127.0.0.1",
    metrics_port: Annotated[int | None, typer.Option(help="Port of /metrics; without it none is served.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure freshness end to end: update a posting of its own on a timer, and time its way to the score."""
    import platform

    from ops.probe.command import ProbeOptions, run_probe
    from ops.settings import load_settings

    options = ProbeOptions(
        interval_s=interval_s,
        count=count,
        timeout_s=timeout_s,
        instance=instance or platform.node() or "local",
        is_long=with_model,
        metrics_host=metrics_host,
        metrics_port=metrics_port,
        as_json=as_json,
    )
    _run(run_probe(load_settings(), options))


def arms(
    *,
    urls: Annotated[
        list[str] | None,
        typer.Option("--url", help="Admin address of a process, repeated for several; by default the settings' own."),
    ] = None,
    key_env: Annotated[str, typer.Option(help="Environment variable with an API key that has is_admin.")] = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again every two seconds until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the rankers of every scorer process: who is in charge, and why one is not. Exit 1: not as declared."""
    from ops.arms.command import show_arms, watch_arms
    from ops.settings import environment_secret, load_settings

    key = environment_secret(key_env) if key_env else ""
    show = watch_arms if watch else show_arms
    _run(show(load_settings(), urls or (), key, as_json=as_json))


def prune_changelog(
    *,
    ttl_days: Annotated[
        float | None, typer.Option(min=0, help="How long deleted documents are kept; without it, as the service does.")
    ] = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: AsJson = False,
) -> None:
    """End the keys of deleted documents that have expired from the store; safe at any time, and to repeat."""
    from ops.changelog.command import prune_changelog as prune
    from ops.settings import load_settings
    from stream.config import DELETED_TTL_S

    ttl_s = DELETED_TTL_S if ttl_days is None else ttl_days * 86_400
    _run(prune(load_settings(), ttl_s=ttl_s, is_dry=is_dry, as_json=as_json))
