"""``precis train recipe``: what a model takes at the paper's scale, a rehearsal of it, or the run itself."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from models.bundle import Role, load_bundle
from models.training.command_line import training_command
from models.training.recipes.recipe import Recipe, load_recipe, recipe_names
from models.training.recipes.report import report_on
from models.training.recipes.run import RunConfig, rehearse, run_recipe
from schemas.errors import ConfigurationError

__all__ = ["main"]


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say.

    Returns:
        Exit status: 0 done; 1 it failed; 2 wrong usage, recipe or bundle. Errors are one message on standard error.
    """
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    recipe = load_recipe(options.recipe)
    report = report_on(recipe)
    _say(report.model_dump_json() if options.as_json else "\n".join(report.as_lines()))
    if options.dry_run:
        _rehearse(recipe, options.processes, options.steps or 2, is_quiet=options.as_json)
    elif options.bundle and options.out:
        config = RunConfig(recipe, options.bundle, options.out, options.processes, options.steps)
        for folder in run_recipe(config):
            _say(str(folder))
    else:
        raise ConfigurationError("give --dry-run, or --bundle with the weights to begin with and --out for the stages")
    return 0


def _rehearse(recipe: Recipe, processes: int, steps: int, *, is_quiet: bool) -> None:
    if recipe.role is not Role.RANKER:
        if not is_quiet:
            _say("rehearse its stages with `precis train gspo`")
        return
    with TemporaryDirectory(prefix="precis-rehearsal-") as folder:
        for made in rehearse(recipe, Path(folder), processes, steps):
            metrics = load_bundle(made, Role.RANKER).manifest.metrics
            if not is_quiet:
                shown = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items() if name != "parameters")
                _say(f"rehearsed {made.name:<8} {metrics['parameters'] / 1e6:.2f}M parameters, {shown}")


def _say(line: str) -> None:
    print(line)  # noqa: T201 (what a command says)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="precis train recipe", description="Train at the paper's scale.")
    parser.add_argument("recipe", help=f"one of {', '.join(recipe_names())}")
    parser.add_argument("--dry-run", action="store_true", help="count, then run the same code on a tiny model")
    parser.add_argument("--bundle", type=Path, help="ranker bundle to begin with, from a local directory")
    parser.add_argument("--out", type=Path, help="folder with a bundle for each stage")
    parser.add_argument("--processes", type=int, default=1, help="on this machine, one a GPU (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="of each training stage; by default 2 dry, else as the recipe says")
    parser.add_argument("--threads", type=int, default=1, help="of torch, in each process (default: %(default)s)")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print what it takes as JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
