"""Recipes: TOML files beside this module, checked."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.bundle import Role
from schemas.errors import ConfigurationError

__all__ = ["Hardware", "Pruning", "Recipe", "Reinforcement", "Stage", "Training", "load_recipe", "recipe_names"]

_FOLDER = Path(__file__).parent

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Stage(_Part):
    name: str
    examples: Count
    """Read once each."""
    tokens_an_example: Count

    @property
    def tokens(self) -> int:
        """In all."""
        return self.examples * self.tokens_an_example


class Training(_Stage):
    """Supervised training."""

    kind: Literal["training"]
    has_teacher: bool = False
    """A ranker as large as the unpruned one reads every example too, forward only."""


class Pruning(_Stage):
    """Calibration, OSSCAR and layer dropping."""

    kind: Literal["pruning"]
    mlp_keep: Share
    drop_layers: int
    parameters_after: Count
    """What must be left, checked on the meta device."""


class Reinforcement(_Stage):
    """GSPO: rollouts, rewards by the ranker, updates."""

    kind: Literal["reinforcement"]
    group: Count
    tokens_an_answer: Count
    queries_an_answer: Count
    rollout_tokens_a_second: Count
    ranker_parameters: Count


Stage = Annotated[Training | Pruning | Reinforcement, Field(discriminator="kind")]


class Hardware(_Part):
    """What it is to run on."""

    gpus: Count
    memory_gb: Count
    """Of one GPU."""
    bf16_tflops: Count
    """Dense peak of one GPU."""
    fp64_tflops: Count
    utilisation: Share
    """Of the peak that training reaches."""
    micro_batch_tokens: Count
    """On one GPU at a time."""


class Recipe(_Part):
    """A model from its pretrained weights to what is served."""

    name: str
    shape: str
    """Key of ``random_bundle.SHAPES``."""
    role: Role
    parameters: Count
    """As published, checked on the meta device."""
    stages: tuple[Stage, ...]
    hardware: Hardware


def recipe_names() -> list[str]:
    """All recipes."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


def load_recipe(name: str) -> Recipe:
    """Read one.

    Raises:
        ConfigurationError: There is none of that name, or it does not hold together.
    """
    known = recipe_names()
    if name not in known:
        raise ConfigurationError(f"no recipe {name!r}: there are {', '.join(known)}")
    try:
        return Recipe.model_validate(tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"recipe {name!r} does not fit: {error}") from error
