"""Running a ranker's recipe: its stages, one after another, each leaving a bundle that the next one reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.distributed as dist
from torch import multiprocessing

from models.bundle import MANIFEST, Role, load_bundle
from models.training.pruning.applying import ApplyConfig, apply_plan
from models.training.pruning.lessons import Lesson
from models.training.pruning.planning import PlanConfig, make_plan
from models.training.pruning.pruned import Settings, Target
from models.training.pruning.recovery import RecoverConfig, recover
from models.training.random_bundle import SHAPES, RandomConfig
from models.training.random_bundle import main as make_random_bundle
from models.training.recipes.recipe import Pruning, Recipe, Stage, Training
from models.training.sharding import Ranks, joined
from schemas.errors import ConfigurationError

__all__ = ["RunConfig", "rehearse", "run_recipe"]

PAIRS_A_STEP = 48
"""Six queries with eight pairs each: see the last stage of the ranker's curriculum."""


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What to run, and how long."""

    recipe: Recipe
    bundle: Path
    """Ranker to begin with, from a local directory."""
    out: Path
    """Folder with a bundle for each stage; finished ones are not done again."""
    processes: int
    """On this machine: one a GPU, or any number on the CPU."""
    steps: int | None = None
    """Of each training stage; None for as many as the recipe's examples take."""
    calibration_queries: int | None = None
    """Eight prompts each; None for as many as the recipe says."""
    postings: int = 6000
    queries: int = 9000
    """Of the generated training data."""
    granularity: int = 64


def run_recipe(config: RunConfig) -> list[Path]:
    """Do what is not done yet, in so many processes.

    Returns:
        The bundle of each stage.

    Raises:
        ConfigurationError: The recipe is not a ranker's, or the first bundle is not.
    """
    if config.recipe.role is not Role.RANKER:
        raise ConfigurationError(f"{config.recipe.name} is reinforcement: run it with `precis train gspo`")
    load_bundle(config.bundle, Role.RANKER)
    with TemporaryDirectory(prefix="precis-recipe-") as folder:
        arguments = (config, Path(folder) / "meeting", torch.get_num_threads())
        multiprocessing.spawn(_work, arguments, nprocs=config.processes)
    return [config.out / stage.name for stage in config.recipe.stages]


def rehearse(recipe: Recipe, out: Path, processes: int, steps: int) -> list[Path]:
    """The same code on random weights of the tiny shape and few data: what would fail is found in a minute.

    Returns:
        The bundle of each stage.
    """
    make_random_bundle(RandomConfig(out / "random", "tiny", recipe.role))
    layers, tiny = SHAPES[recipe.shape].widths.layers, SHAPES["tiny"].widths.layers
    stages: list[Stage] = [
        stage.model_copy(update={"drop_layers": max(1, round(stage.drop_layers * tiny / layers))})
        if isinstance(stage, Pruning)
        else stage
        for stage in recipe.stages
    ]
    small = recipe.model_copy(update={"stages": tuple(stages)})
    return run_recipe(
        RunConfig(small, out / "random", out, processes, steps, calibration_queries=4, postings=200, queries=60)
    )


def _work(rank: int, config: RunConfig, meeting: Path, threads: int) -> None:
    """What each process does."""
    torch.set_num_threads(threads)
    with joined(rank, config.processes, meeting) as ranks:
        bundle = teacher = config.bundle
        for stage in config.recipe.stages:
            out = config.out / stage.name
            is_done = (out / MANIFEST).exists()  # written last
            dist.barrier()  # nobody writes before all have looked
            if not is_done:
                _run_stage(stage, config, (bundle, teacher), ranks)
            dist.barrier()
            bundle, teacher = out, (out if isinstance(stage, Training) else teacher)


def _run_stage(stage: Stage, config: RunConfig, given: Sequence[Path], ranks: Ranks) -> None:
    bundle, teacher = given
    out = config.out / stage.name
    if isinstance(stage, Training):
        recover(
            RecoverConfig(
                bundle,
                teacher,
                out,
                steps=config.steps or stage.examples // PAIRS_A_STEP,
                lesson=Lesson.BOTH if stage.has_teacher else Lesson.LABELS,
                postings=config.postings,
                queries=config.queries,
            ),
            ranks,
        )
    elif isinstance(stage, Pruning) and ranks.is_first:
        plan = PlanConfig(
            bundle,
            config.out / f"{stage.name}.plan.json",
            Target(mlp_keep=stage.mlp_keep, settings=Settings(config.granularity)),
            drop_last=stage.drop_layers,
            queries=config.calibration_queries or stage.examples // 8,
        )
        make_plan(plan)
        apply_plan(ApplyConfig(bundle, plan.out, out))
