"""`precis label`: relevance labels from a judge, teachers or clicks, and their agreement with gold grades."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ops.commands.modules import PASS_THROUGH, option, run_module

__all__ = ["register"]

# Spelled here and not imported: `precis --help` then loads none of what labels need.
Api = Literal["chat", "completions"]
Method = Literal["logprobs", "samples", "digit"]
Signal = Literal["clicks", "satisfied", "applications"]
_TEACHERS = "models.training.teachers"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, for machines.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    label = typer.Typer(
        help="Relevance labels: from a judge, teachers, clicks; agreement with gold.", no_args_is_help=True
    )
    label.command("judge")(judge)
    label.command("teacher", context_settings=PASS_THROUGH)(teacher)
    label.command("fetch-teachers")(fetch_teachers)
    label.command("fit-teachers", context_settings=PASS_THROUGH)(fit_teachers)
    label.command("compare-teachers", context_settings=PASS_THROUGH)(compare_teachers)
    label.command("agreement")(agreement)
    label.command("clicks")(clicks)
    app.add_typer(label, name="label", rich_help_panel="Models")


def judge(  # noqa: PLR0913 - options of a command are its arguments
    *,
    pairs: Annotated[Path, typer.Option(help="Pairs, JSON Lines: query, job_id, text; or judged queries.")],
    out: Annotated[Path, typer.Option(help="Label file; a run goes on where another ended.")],
    url: Annotated[str, typer.Option(help="Address of an OpenAI-compatible endpoint, with /v1 or without.")],
    model: Annotated[str, typer.Option(help="Name that the endpoint knows the judge by.")],
    postings: Annotated[Path | None, typer.Option(help="Postings, JSON Lines, where pairs only name them.")] = None,
    key_env: Annotated[str, typer.Option(help="Environment variable with the endpoint's API key.")] = "",
    api: Annotated[Api, typer.Option(help="Route: chat, or completions for models without a chat template.")] = "chat",
    method: Annotated[Method | None, typer.Option(help="Where the grade is from; left out: the best allowed.")] = None,
    samples: Annotated[int, typer.Option(min=1, max=64, help="Answers a pair, without token probabilities.")] = 5,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="Of these samples.")] = 1.0,
    rubric: Annotated[Path | None, typer.Option(help="Meaning of the grades; left out: this project's.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Calls in flight.")] = 8,
    timeout_s: Annotated[float, typer.Option(help="Longest wait for one answer, seconds.")] = 120,
    patience_s: Annotated[float, typer.Option(help="Seconds of failed tries after which the run ends.")] = 600,
    max_failures: Annotated[int, typer.Option(min=0, help="Pairs that may fail on their own account.")] = 20,
    max_posting_chars: Annotated[int, typer.Option(min=1, help="A longer posting is cut.")] = 12_000,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 4,
    top_logprobs: Annotated[int, typer.Option(min=1, help="Likeliest tokens asked for.")] = 20,
    extra: Annotated[str, typer.Option(help="JSON object: request fields to add or replace; null removes.")] = "{}",
    tokenizer: Annotated[Path | None, typer.Option(help="Bundle or tokenizer.json to estimate with.")] = None,
    price_in: Annotated[float | None, typer.Option(min=0, help="Price of a million prompt tokens.")] = None,
    price_out: Annotated[float | None, typer.Option(min=0, help="Price of a million completion tokens.")] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would cost, and send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Grade pairs by a language model: soft labels from token probabilities. Exit status 1: some pairs failed."""
    from models.labels import judgement, wires
    from models.labels.endpoint import EndpointConfig
    from models.labels.estimate import Prices
    from ops.labels.judge import JudgeOptions, run_judge
    from ops.settings import environment_secret
    from schemas.errors import ConfigurationError

    if (price_in is None) != (price_out is None):
        raise ConfigurationError("give both prices, --price-in and --price-out, or neither")
    options = JudgeOptions(
        pairs=pairs,
        out=out,
        postings=postings,
        endpoint=EndpointConfig(
            url=url,
            key=environment_secret(key_env) if key_env else "",
            key_name=key_env,
            concurrency=concurrency,
            timeout_s=timeout_s,
            patience_s=patience_s,
        ),
        asked=wires.Asked(
            model=model,
            api=wires.Api(api),
            max_tokens=max_tokens,
            top_logprobs=top_logprobs,
            temperature=temperature,
            extra=wires.read_extra(extra),
        ),
        method=None if method is None else judgement.Method(method),
        num_samples=samples,
        rubric=rubric,
        max_posting_chars=max_posting_chars,
        max_failures=max_failures,
        tokenizer=tokenizer,
        prices=None if price_in is None or price_out is None else Prices(price_in, price_out),
        only_estimate=estimate,
        as_json=as_json,
    )
    sys.exit(asyncio.run(run_judge(options)))


def teacher(context: typer.Context) -> None:
    """Grade pairs by two embedding models and rules on the typed facts. Options as `--help` of the module says."""
    from ops.labels.teachers import teachers_folder
    from ops.settings import environment_cache

    arguments = context.args
    is_told = option(arguments, "--weights") is not None or not {"-h", "--help"}.isdisjoint(arguments)
    weights = [] if is_told else ["--weights", str(teachers_folder(environment_cache()))]
    run_module(_TEACHERS, ["teacher", *weights, *arguments], environment="training")


def fetch_teachers() -> None:
    """Get the teachers' weights (160 MB) by Maven, once; each file is compared with its pin."""
    from ops.labels import teachers
    from ops.settings import environment_cache

    typer.echo(f"the weights of the teachers are in {teachers.fetch_teachers(environment_cache())}")


def fit_teachers(context: typer.Context) -> None:
    """Fit the map from teachers and rules to a label, on gold grades. Options as `--help` of the module says."""
    run_module(_TEACHERS, ["fit-teachers", *context.args], environment="training")


def compare_teachers(context: typer.Context) -> None:
    """NDCG and kappa of each teacher, the rules and the ensemble. Options as `--help` of the module says."""
    run_module(_TEACHERS, ["compare-teachers", *context.args], environment="training")


def agreement(
    *,
    labels: Annotated[Path, typer.Option(help="Label file.")],
    gold: Annotated[
        Path, typer.Option(help="Gold grades 0 to 4, JSON Lines: query, job_id, grade; or judged queries.")
    ],
    resamples: Annotated[int, typer.Option(min=0, help="Of the bootstrap over queries.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Weighted kappa, confusion matrix and counts of labels beside gold grades."""
    from ops.labels.agreement import run_agreement

    run_agreement(labels, gold, num_resamples=resamples, seed=seed, as_json=as_json)


def clicks(  # noqa: PLR0913 - options of a command are its arguments
    *,
    log: Annotated[Path, typer.Option(help="Click log, JSON Lines: query, shown with positions and clicks.")],
    out: Annotated[Path, typer.Option(help="Label file to write.")],
    signal: Annotated[Signal, typer.Option(help="What counts as a sign of relevance.")] = "clicks",
    min_dwell_s: Annotated[float, typer.Option(min=0, help="Seconds that make a click a satisfied one.")] = 30,
    propensities: Annotated[Path | None, typer.Option(help="JSON: position to chance; left out: estimated.")] = None,
    clip: Annotated[float, typer.Option(help="Smallest propensity that is divided by.")] = 0.05,
    prior_weight: Annotated[float, typer.Option(help="Effective impressions that the prior is worth.")] = 10,
    prior_rate: Annotated[float | None, typer.Option(help="Prior; left out: the rate of all pairs.")] = None,
    min_impressions: Annotated[int, typer.Option(help="Pairs shown less often get no label.")] = 10,
    full_rate: Annotated[float, typer.Option(help="Rate at which a label is 1.")] = 1.0,
    max_bad_lines: Annotated[int, typer.Option(min=0, help="Wrong lines to pass over.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Turn a click log into soft labels, without the bias of positions."""
    from models.labels import click_log
    from models.labels.debias import Debias
    from ops.labels.clicks import ClickOptions, run_clicks

    options = ClickOptions(
        log=log,
        out=out,
        signal=click_log.Signal(signal),
        min_dwell_s=min_dwell_s,
        max_bad_lines=max_bad_lines,
        propensities=propensities,
        debias=Debias(
            clip=clip,
            prior_weight=prior_weight,
            prior_rate=prior_rate,
            min_impressions=min_impressions,
            full_rate=full_rate,
        ),
        as_json=as_json,
    )
    run_clicks(options)
