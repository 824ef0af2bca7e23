"""`precis engine`: the environments of the engines, running one, and whether all answer alike."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from models.bundle import Role
from ops.engine.launch import Device, Dtype, EngineName
from ops.engine.parity.edges import MIN_PAIRS, MIN_TEXTS

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    engine = typer.Typer(
        help="Model servers: install, run, what is missing, and whether they answer alike.", no_args_is_help=True
    )
    engine.command(no_args_is_help=True)(install)
    engine.command(no_args_is_help=True)(run)
    engine.command()(doctor)
    engine.command()(parity)
    app.add_typer(engine, name="engine", rich_help_panel="Models")


def install(
    names: Annotated[list[EngineName], typer.Argument(metavar="NAME...", help="vllm, sglang, local.")],
) -> None:
    """Make an engine's environment, from a lock, over the torch that all engines share.

    What is complete is left alone; what was cut off is made again. Says first what it takes in disk and time.
    """
    from ops.engine.environments import install as install_engines

    install_engines(names)


def run(  # noqa: PLR0913 (options of a command)
    name: Annotated[EngineName, typer.Argument(metavar="NAME", help="vllm, sglang or local.")],
    *,
    bundle: Annotated[Path, typer.Option(help="Directory of the checkpoint bundle.")],
    role: Annotated[Role, typer.Option(help="What it is to do: the bundle's role.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8100,
    dtype: Annotated[
        Dtype | None,
        typer.Option(help="By default bfloat16 for large models where the hardware computes in it."),
    ] = None,
    device: Annotated[
        Device | None, typer.Option(help="By default cuda where there is a GPU and the environment can use it.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU cores to compute on; by default all.", min=1)] = None,
    context: Annotated[
        int | None,
        typer.Option(help="Longest prompt with its answer, tokens; by default as the bundle's limits say.", min=16),
    ] = None,
    kv_mib: Annotated[int | None, typer.Option(help="Memory for keys and values, MiB.", min=16)] = None,
    multi_item: Annotated[
        bool | None,
        typer.Option(
            help="SGLang's ranker on a GPU: query and items of a request as one sequence. By default where it is "
            "cheaper for the bundle's limits."
        ),
    ] = None,
    python: Annotated[
        Path | None, typer.Option(help="Python of an environment of your own, such as one with a GPU build.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Print the command and its environment as JSON, start nothing.")
    ] = False,
) -> None:
    """Run a model server in the foreground: start, check the bundle's canaries, serve until Ctrl-C or SIGTERM.

    The ranker answers at `/v1/score` (vLLM: `/generative_scoring`), the summarizer at `/v1/completions`.
    """
    from models.bundle import load_bundle
    from ops.engine.hardware import find_hardware
    from ops.engine.launch import Wishes
    from ops.engine.prepare import prepare
    from ops.settings import load_settings
    from ops.supervise import check_port, free_port

    settings = load_settings()
    loaded = load_bundle(bundle.resolve(), role)
    check_port(host, port, "--port")
    wishes = Wishes(
        device=device, dtype=dtype, threads=threads, context_tokens=context, kv_mib=kv_mib, multi_item=multi_item
    )
    home, chosen_port = settings.engine.home, port or free_port(host)
    prepared = prepare(
        name, loaded, find_hardware(), home=home, host=host, port=chosen_port, wishes=wishes, python=python
    )
    if dry_run:
        command, environment = [str(prepared.python), *prepared.launch.arguments], dict(prepared.launch.environment)
        sys.stdout.write(f"{json.dumps({'command': command, 'environment': environment}, indent=2)}\n")
        return
    from ops.engine.serve import serve

    serve(prepared, log_folder=settings.data_dir.resolve() / "logs")


def doctor(
    names: Annotated[
        list[EngineName] | None, typer.Argument(metavar="[NAME...]", help="Engines asked for; by default all.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """What is there, what is missing, and the remedy. Exit status 1 where something asked for is missing."""
    from ops.engine.doctor import examine, print_findings

    findings = examine(names or list(EngineName))
    if as_json:
        sys.stdout.write(f"{json.dumps(findings.as_dict(), indent=2)}\n")
    else:
        print_findings(findings)
    sys.exit(0 if findings.is_ok else 1)


def parity(  # noqa: PLR0913 (options of a command)
    *,
    engine: Annotated[
        list[EngineName] | None, typer.Option(help="Engine to compare; repeatable, by default all installed.")
    ] = None,
    dtype: Annotated[
        list[Dtype] | None, typer.Option(help="Precision to compare in; repeatable, by default both.")
    ] = None,
    ranker: Annotated[Path | None, typer.Option(help="Bundle that scores; by default the configured one.")] = None,
    summarizer: Annotated[Path | None, typer.Option(help="Bundle that writes; by default the configured one.")] = None,
    pairs: Annotated[int, typer.Option(help="Query-item pairs to score.", min=MIN_PAIRS)] = 240,
    texts: Annotated[int, typer.Option(help="Texts to write.", min=MIN_TEXTS)] = 16,
    seed: Annotated[int, typer.Option(help="Of the choice of samples.")] = 0,
    threads: Annotated[
        int | None, typer.Option(help="CPU cores of each; by default `engine.num_threads`.", min=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Whether the engines score and write as transformers does in float32: the gate before one replaces another.

    Exit status 1 where an engine in float32 does not, with a sentence for each failure; bfloat16 is reported beside it.
    """
    from rich.console import Console

    from ops.commands.keep import stop_on_signals
    from ops.engine.parity.report import print_report
    from ops.engine.parity.run import ParityConfig, installed_engines, run_parity
    from ops.settings import load_settings

    settings = load_settings()
    config = ParityConfig(
        engines=list(dict.fromkeys(engine or installed_engines())),
        dtypes=list(dict.fromkeys(dtype or Dtype)),
        ranker=ranker or settings.ranker.bundle,
        summarizer=summarizer or settings.summarizer.bundle,
        num_pairs=pairs,
        num_texts=texts,
        seed=seed,
        threads=threads or settings.engine.num_threads,  # a question of time only, and small models have none to share
    )
    stop_on_signals()
    console = Console(stderr=True, soft_wrap=True)
    with console.status("reading the samples") as status:
        report = run_parity(settings, config, on_step=status.update)
    if as_json:
        sys.stdout.write(f"{json.dumps(report.as_dict(), indent=2)}\n")
    else:
        print_report(Console(soft_wrap=True), report)
    for failure in report.failures if as_json else ():
        console.print(failure, markup=False, highlight=False)
    sys.exit(1 if report.failures else 0)
