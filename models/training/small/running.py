"""What the trainings of adapters share: how a run goes, and how its result is stored."""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import nn

from models.bundle import Manifest
from models.training.architecture import ATTENTION_IN_TRAINING, CausalModel
from models.training.curve import Curve
from models.training.export import load_weights, versions, write_manifest
from models.training.identity import fingerprint
from models.training.loop import LoopConfig, LossOfStep, train
from models.training.optimiser import OptimiserConfig
from models.training.small.adapter import load_adapter, save_adapter, with_adapter
from models.training.small.bundles import merge
from models.training.small.speed import compile_for_training, keep_frozen_matrices_short

__all__ = ["Run", "RunConfig", "add_base_options", "add_run_options", "begun", "make_ready", "taken_run"]


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How a run goes.

    Attributes:
        steps: Optimiser steps.
        rank: Of the adapter.
        threads: Of torch.
        measured_every: Steps between rows of the learning curve.
        is_compiled: Whether the layers are compiled first: twice as fast, after some minutes.
        optimiser: Rates.
    """

    steps: int
    rank: int
    threads: int = 2
    measured_every: int = 250
    is_compiled: bool = False
    optimiser: OptimiserConfig = OptimiserConfig(matrix_rate=None, other_rate=1e-3, cool_down=0.7)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is set up.

    Attributes:
        name: Of the bundle.
        out: Folder of the adapter.
        config: How it goes.
        about: What else says how the adapter came about.
    """

    name: str
    out: Path
    config: RunConfig
    about: Mapping[str, Any]

    @property
    def provenance(self) -> dict[str, Any]:
        """All that says how the adapter came about."""
        return {**asdict(self.config), **self.about, "versions": dict(versions())}

    def learn(self, learner: nn.Module, losses: LossOfStep, measure: Callable[[], float]) -> float:
        """Train; killed and started again it goes on from its checkpoint.

        Args:
            learner: Whose weights are trained: the model, or what holds it.
            losses: Of each step.
            measure: What the learning curve shows.

        Returns:
            The loss at the end.
        """
        loop = LoopConfig(self.config.steps, self.out.with_suffix(".checkpoint"), fingerprint(self.provenance))
        curve = Curve(self.out.with_suffix(".curve.csv"), self.config.measured_every, measure)
        return train(learner, losses, loop, self.config.optimiser, self.name, curve)

    def store(self, adapted: PeftModel, base: Path, manifest_of: Callable[[CausalModel], Manifest]) -> Manifest:
        """Write the adapter, and the manifest of the bundle that it makes.

        Args:
            adapted: What was trained.
            base: What the adapter is merged into.
            manifest_of: Measures the model as stored.
        """
        save_adapter(adapted, self.out)
        with tempfile.TemporaryDirectory() as folder:
            merge(base, self.out, Path(folder), folds_case=False)  # of the folder the weights alone are read
            stored = load_weights(Path(folder))
        manifest = manifest_of(stored)
        write_manifest(manifest, self.out)
        return manifest


def make_ready(config: RunConfig, model: CausalModel, *frozen: CausalModel) -> None:
    """Have models compute as they do in training: the one that is trained, and those that only answer."""
    for each in (model, *frozen):
        each.set_attn_implementation(ATTENTION_IN_TRAINING)
    for each in frozen:
        each.requires_grad_(requires_grad=False)
    for each in (model, *frozen):
        keep_frozen_matrices_short(each)
    if config.is_compiled:
        compile_for_training(model)


def begun(config: RunConfig, base: Path, layers: int, start: Path | None, seed: int) -> tuple[CausalModel, PeftModel]:
    """The pretrained weights with an adapter beside their last layers, ready to be trained.

    Args:
        config: How it goes.
        base: The weights.
        layers: How many of the last layers get an adapter.
        start: Folder of an adapter to go on from; None begins anew.
        seed: Of a new adapter.

    Returns:
        The model, and the same as peft sees it.

    Raises:
        ConfigurationError: The adapter to go on from does not fit.
    """
    torch.manual_seed(seed)
    model = load_weights(base)
    adapted = with_adapter(model, config.rank, layers)
    if start is not None:
        load_adapter(adapted, start)
    make_ready(config, model)
    return model, adapted


def add_base_options(parser: argparse.ArgumentParser, layers: int) -> None:
    """Add the options of an adapter for the pretrained weights: ``out``, ``base``, ``start`` and ``layers``."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapter")
    parser.add_argument("--base", type=Path, required=True, help="what `precis bundle fetch small` made")
    parser.add_argument("--from", dest="start", type=Path, help="folder of an adapter to go on from")
    said = "the last ones, which the adapter changes (default: %(default)s)"
    parser.add_argument("--layers", type=int, default=layers, help=said)


def add_run_options(parser: argparse.ArgumentParser, defaults: RunConfig) -> None:
    """Add the options that :func:`taken_run` takes."""
    for name, said in _NUMBERS.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=getattr(defaults, name), help=f"{said} (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=defaults.optimiser.other_rate, help="peak learning rate")
    parser.add_argument("--compile", dest="is_compiled", action="store_true", help="compile the layers first")


def taken_run(options: dict[str, Any], defaults: RunConfig) -> RunConfig:
    """Take the options of :func:`add_run_options` out of parsed ones."""
    optimiser = OptimiserConfig(**{**asdict(defaults.optimiser), "other_rate": options.pop("rate")})
    return RunConfig(**{name: options.pop(name) for name in (*_NUMBERS, "is_compiled")}, optimiser=optimiser)


_NUMBERS: Mapping[str, str] = {
    "threads": "of torch",
    "steps": "optimiser steps",
    "rank": "of the adapter",
    "measured_every": "steps between curve rows",
}
