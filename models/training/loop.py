"""The training loop: a fixed number of steps, resumable, the same bytes from the same seed and thread count."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from models.training.curve import Curve
from models.training.optimiser import OptimiserConfig, Optimisers, scale_at

__all__ = ["LoopConfig", "LossOfStep", "train"]

LossOfStep = Callable[[int], Iterable[torch.Tensor]]
"""Losses of the micro-batches of a step. They are added, so each must carry its share of the step's weight."""


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """How long to train and where to keep checkpoints.

    Attributes:
        steps: Optimiser steps in all.
        checkpoint: File of the checkpoint; continued from where it exists, removed at the end.
        fingerprint: Identity of run (seed, steps, data): a checkpoint of another run is not continued.
        checkpoint_every_s: Seconds between checkpoints. They do not change the result.
    """

    steps: int
    checkpoint: Path
    fingerprint: str
    checkpoint_every_s: float = 120.0


def train(
    model: nn.Module,
    loss_of_step: LossOfStep,
    loop: LoopConfig,
    optimiser_config: OptimiserConfig,
    name: str,
    curve: Curve | None = None,
) -> float:
    """Train in place.

    Args:
        model: Float32 weights; changed.
        loss_of_step: Draws its batches from the step number alone, which is what makes resuming exact.
        loop: Length and checkpoints.
        optimiser_config: Rates.
        name: Shown beside the progress bar.
        curve: Told of each step; it may measure the model, but not change it.

    Returns:
        Mean loss over the last tenth of the steps done in this process.
    """
    optimisers = Optimisers(model, optimiser_config)
    first = _restore(model, optimisers, loop)
    losses: list[float] = []
    saved_at = time.monotonic()
    model.train()
    with tqdm(total=loop.steps, initial=first, desc=name, unit="step", mininterval=1.0) as progress:
        for step in range(first, loop.steps):
            total = 0.0
            for loss in loss_of_step(step):
                loss.backward()
                total += float(loss.detach())
            optimisers.step(scale_at(step, loop.steps, optimiser_config))
            losses.append(total)
            if curve is not None:
                curve.note(step + 1, total)
            progress.update()
            progress.set_postfix(loss=f"{total:.3f}", refresh=False)
            if time.monotonic() - saved_at > loop.checkpoint_every_s:
                _save(model, optimisers, loop, step + 1)
                saved_at = time.monotonic()
    loop.checkpoint.unlink(missing_ok=True)
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / max(1, len(last))


def _save(model: nn.Module, optimisers: Optimisers, loop: LoopConfig, step: int) -> None:
    loop.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = loop.checkpoint.with_suffix(".partial")
    state = {
        "fingerprint": loop.fingerprint,
        "step": step,
        "model": {name: weight.data for name, weight in _trained(model).items()},
        "optimisers": optimisers.state(),
    }
    torch.save(state, partial)
    partial.replace(loop.checkpoint)  # a crash while saving leaves the previous checkpoint


def _restore(model: nn.Module, optimisers: Optimisers, loop: LoopConfig) -> int:
    if not loop.checkpoint.exists():
        return 0
    state = torch.load(loop.checkpoint, weights_only=True)
    if state["fingerprint"] != loop.fingerprint:
        return 0
    trained = _trained(model)
    for name, weight in state["model"].items():
        trained[name].data.copy_(weight)
    optimisers.restore(state["optimisers"])
    return int(state["step"])


def _trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """What changes, and so what a checkpoint holds; weights below an adapter do not."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
