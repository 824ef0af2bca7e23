"""Train the small ranker: ``precis train small-ranker --out DIR``.

Supervised fine-tuning of SmolLM2-135M-Instruct by a low-rank adapter: the probability of the answer `` yes`` is taught
to follow the grade (KL to soft labels). What it learns from: :mod:`models.training.small.material`.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from models.bundle import Manifest, PromptLimits
from models.prompts import RankerPrompt
from models.training.command_line import run_recipe
from models.training.ranker_objective import losses_of_pairs
from models.training.small.adapter import adapter_provenance
from models.training.small.development import Development
from models.training.small.marks import marked_tokenizer
from models.training.small.material import MaterialConfig, add_material_options, draw_material, taken_material
from models.training.small.running import Run, RunConfig, add_base_options, add_run_options, begun, taken_run

__all__ = ["SmallRankerConfig", "main"]

_MICRO_BATCH_TOKENS, _LEAST_LENGTH = 4000, 0.55
_RUN, _LAYERS = RunConfig(steps=650, rank=8), 20


@dataclass(frozen=True, slots=True)
class SmallRankerConfig:
    """A training run.

    Attributes:
        out: Folder of the adapter and its ``precis.json``.
        base: What `precis bundle fetch small` made.
        start: Folder of the adapter to go on from; None begins anew.
        layers: The last ones, which the adapter changes; the first ones stay as they are.
        material: What is learnt from; its seed is also that of the adapter.
        run: How it goes.
    """

    out: Path
    base: Path
    start: Path | None = None
    layers: int = _LAYERS
    material: MaterialConfig = field(default_factory=MaterialConfig)
    run: RunConfig = _RUN


def main(config: SmallRankerConfig) -> Manifest:
    """Train, and write the adapter with the manifest of the bundle that it makes of the base.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: Data, teachers or the adapter to go on from are not there.
    """
    torch.set_num_threads(config.run.threads)
    text, limits = marked_tokenizer(config.base, folds_case=True), PromptLimits()
    prompt = RankerPrompt(text, limits)
    provenance = {
        "command": "python -m models.training.small.ranker",
        "start": adapter_provenance(config.start),
        "layers": config.layers,
    }
    material = draw_material(config.material, text, prompt, limits)
    run = Run("ranker-small", config.out, config.run, {**provenance, **material.provenance})
    development = Development(prompt, limits, material)
    model, adapted = begun(config.run, config.base, config.layers, config.start, config.material.seed)

    def of_step(step: int) -> Iterator[torch.Tensor]:
        pairs, labels = material.data.of_step(step), prompt.label_token_ids
        return losses_of_pairs(model, pairs, labels, _MICRO_BATCH_TOKENS, least_length=_LEAST_LENGTH)

    loss = run.learn(model, of_step, lambda: development.ndcg(model))
    return run.store(adapted, config.base, development.manifest_of(run, loss, {}))


def parse_arguments(arguments: Sequence[str] | None = None) -> SmallRankerConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="precis train small-ranker", description="Train the small ranker's adapter.")
    add_base_options(parser, _LAYERS)
    add_material_options(parser)
    add_run_options(parser, _RUN)
    options = vars(parser.parse_args(arguments))
    return SmallRankerConfig(material=taken_material(options), run=taken_run(options, _RUN), **options)


if __name__ == "__main__":
    sys.exit(run_recipe(parse_arguments, main))
