"""What a recipe takes: checked and counted without allocating a weight."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from pydantic import BaseModel, ConfigDict
from transformers import Qwen3ForCausalLM

from models.training.architecture import count_parameters
from models.training.pruning.plan import kept_count
from models.training.random_bundle import SHAPES, RandomShape, qwen3_config
from models.training.recipes.arithmetic import Sizes, hours_of, memory_of
from models.training.recipes.recipe import Pruning, Recipe, Training
from schemas.errors import ConfigurationError

__all__ = ["RecipeReport", "StageReport", "report_on"]

_GRANULARITY = 64
"""Of a pruned width at this scale."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class StageReport(_Part):
    """One stage."""

    name: str
    parameters: int
    """When it ends."""
    tokens: int
    hours: float
    """On all GPUs, estimated."""
    memory_gb: float
    """Of one GPU, estimated."""


class RecipeReport(_Part):
    """All stages."""

    recipe: str
    parameters: int
    """As built on the meta device."""
    gpus: int
    stages: tuple[StageReport, ...]
    gpu_hours: float
    does_fit: bool
    """Whether every stage fits the memory of a GPU, a tenth of it left for the allocator."""

    def as_lines(self) -> Iterator[str]:
        """To print."""
        yield f"{self.recipe}: {self.parameters / 1e6:.1f}M parameters, built on the meta device"
        for stage in self.stages:
            yield (
                f"  {stage.name:<8} {stage.tokens / 1e6:>6.0f}M tokens {stage.hours:>7.2f} h on {self.gpus} GPUs, "
                f"{stage.memory_gb:>5.1f} GB each, {stage.parameters / 1e6:.1f}M parameters after it"
            )
        yield f"  together {self.gpu_hours:.1f} GPU hours; {'fits' if self.does_fit else 'DOES NOT FIT'} (estimates)"


def report_on(recipe: Recipe) -> RecipeReport:
    """Build each stage's model on the meta device and count.

    Raises:
        ConfigurationError: A model has another number of parameters than the recipe says.
    """
    hardware, shape = recipe.hardware, SHAPES[recipe.shape]
    original = sizes = _sizes_of(shape)
    parameters = _built(recipe.name, shape, recipe.parameters)
    stages = []
    for stage in recipe.stages:
        hours = hours_of(stage, sizes, original, hardware)
        teacher = original if isinstance(stage, Training) and stage.has_teacher else None
        memory = memory_of(sizes, hardware.gpus, hardware.micro_batch_tokens, teacher)
        if isinstance(stage, Pruning):
            shape = _pruned(shape, stage)
            sizes = _sizes_of(shape)
            _built(f"{recipe.name}, {stage.name}", shape, stage.parameters_after)
        stages.append(
            StageReport(
                name=stage.name,
                parameters=sizes.parameters,
                tokens=stage.tokens,
                hours=round(hours, 3),
                memory_gb=round(memory.total / 1e9, 1),
            )
        )
    return RecipeReport(
        recipe=recipe.name,
        parameters=parameters,
        gpus=hardware.gpus,
        stages=tuple(stages),
        gpu_hours=round(hardware.gpus * sum(stage.hours for stage in stages), 1),
        does_fit=all(stage.memory_gb <= 0.9 * hardware.memory_gb for stage in stages),
    )


def _sizes_of(shape: RandomShape) -> Sizes:
    widths = shape.widths
    return Sizes(
        layers=widths.layers,
        hidden=widths.hidden,
        heads=widths.heads,
        kv_heads=widths.kv_heads,
        head_dim=widths.head_dim,
        mlp=widths.mlp,
        vocabulary=shape.vocabulary,
    )


def _pruned(shape: RandomShape, stage: Pruning) -> RandomShape:
    widths = shape.widths
    mlp = kept_count(stage.mlp_keep, widths.mlp, _GRANULARITY, "neurons")
    return replace(shape, widths=replace(widths, mlp=mlp, layers=widths.layers - stage.drop_layers))


def _built(what: str, shape: RandomShape, expected: int) -> int:
    with torch.device("meta"):
        model = Qwen3ForCausalLM(qwen3_config(shape))
    found, counted = count_parameters(model), _sizes_of(shape).parameters
    if not found == counted == expected:
        raise ConfigurationError(
            f"{what}: the model has {found:,} parameters, the arithmetic says {counted:,}, the recipe {expected:,}"
        )
    return found
