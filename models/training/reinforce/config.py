"""What a run is, its identity, and its command line."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from models.training.reinforce.episodes import Reference
from models.training.reinforce.length import Penalty
from schemas.errors import ConfigurationError

__all__ = ["Algorithm", "GspoConfig", "add_options", "config_of", "options_said", "settings_of"]

_BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
_FEWEST_SIBLINGS = 2


class Algorithm(StrEnum):
    """How far the policy may move on samples of its older self."""

    GSPO = "gspo"
    """One importance ratio a sequence, the geometric mean over its tokens, clipped at 1 - 3e-4 and 1 + 4e-4."""
    GRPO = "grpo"
    """One ratio a token, clipped at 0.8 and 1.2."""


@dataclass(frozen=True, slots=True)
class GspoConfig:
    """A training run.

    Attributes:
        out: Folder of the run; the trained bundle becomes ``bundle`` in it.
        summarizer: Bundle to start from: an untrained model never ends a summary, and lengths then teach nothing.
        ranker: Bundle whose answers the reward compares.
        steps: Optimiser steps; 0 only measures the start.
        seed: Of episodes, their order and the sampling.
        algorithm: GSPO or GRPO.
        penalty: Form of the length penalty.
        weight: Its weight w in equation 4.
        faithfulness: Weight f of the gate's refusals.
        reference: What p_raw is read from.
        noise: Largest share of the words and digits of a generated body that become others.
        postings: Postings of the training split that episodes are drawn from.
        queries: Queries that the ranker is asked about each posting.
        siblings: Summaries sampled of a posting, whose mean reward is the base line. They make one step's batch.
        prompts: Postings a rollout. As many steps are made of it, on older samples from the second on: with 1 the
            importance ratio is always 1, and GSPO has nothing to clip.
        temperature: Of the sampling. A policy that is sure of itself writes its siblings alike, and learns nothing.
        learning_rate: Of AdamW, constant after two rollouts of warm-up.
        drift_weight: Weight of KL(policy || start) per token. So small that it does not steer; TRL measures it only so.
        save_every: Rollouts between checkpoints. They do not change the result.
        evaluated: Held-out queries that are ranked before and after.
        threads: Of torch; the sums of other thread counts differ in their last bits.
    """

    out: Path
    summarizer: Path = _BUNDLES / "summarizer-tiny"
    ranker: Path = _BUNDLES / "ranker-tiny"
    steps: int = 160
    seed: int = 7
    algorithm: Algorithm = Algorithm.GSPO
    penalty: Penalty = Penalty.QUADRATIC
    weight: float = 0.4
    faithfulness: float = 0.1
    reference: Reference = Reference.BODY
    noise: float = 0.5
    postings: int = 2000
    queries: int = 4
    siblings: int = 8
    prompts: int = 4
    temperature: float = 1.0
    learning_rate: float = 3e-5
    drift_weight: float = 1e-3
    save_every: int = 5
    evaluated: int = 20
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be trained.

        Raises:
            ConfigurationError: A number out of range, or steps that end inside a rollout.
        """
        if self.siblings < _FEWEST_SIBLINGS:
            message = f"siblings is {self.siblings}: at least 2, for a reward is compared with that of its siblings"
            raise ConfigurationError(message)
        for name in ("prompts", "queries", "save_every", "evaluated", "postings", "threads"):
            if getattr(self, name) < 1:
                message = f"{name} is {getattr(self, name)}: at least 1"
                raise ConfigurationError(message)
        for name in ("weight", "faithfulness", "drift_weight"):
            if getattr(self, name) < 0:
                message = f"{name} is {getattr(self, name)}: a penalty's weight is 0 or more"
                raise ConfigurationError(message)
        if not 0 <= self.noise <= 1:
            raise ConfigurationError(f"noise is {self.noise}: a share of the words, 0 to 1")
        for name in ("learning_rate", "temperature"):
            if getattr(self, name) <= 0:
                message = f"{name} is {getattr(self, name)}: more than 0"
                raise ConfigurationError(message)
        if self.steps < 0 or self.steps % self.prompts:
            message = f"steps is {self.steps}: a multiple of prompts ({self.prompts}), the steps made of one rollout"
            raise ConfigurationError(message)


def settings_of(config: GspoConfig) -> dict[str, Any]:
    """The settings that a result follows from, as JSON has them: not where files lie, nor how often it saves."""
    left_out = {"out", "summarizer", "ranker", "save_every"}
    return {name: value for name, value in asdict(config).items() if name not in left_out}


def options_said(
    config: GspoConfig, left_out: frozenset[str] = frozenset(), defaults: Mapping[str, Any] | None = None
) -> str:
    """The options of a command line that a result follows from: those that are not the default.

    Args:
        config: The run.
        left_out: Names of settings that the command draws itself.
        defaults: As for :func:`add_options`.
    """
    usual = settings_of(GspoConfig(config.out, **(defaults or {})))
    return "".join(
        f" --{name.replace('_', '-')} {value}"
        for name, value in settings_of(config).items()
        if name not in left_out and value != usual[name]
    )


def add_options(
    parser: argparse.ArgumentParser, left_out: frozenset[str] = frozenset(), defaults: Mapping[str, Any] | None = None
) -> None:
    """One option for each setting of a run that is not left out.

    Args:
        parser: Gets them.
        left_out: Names of settings.
        defaults: By name, where they are others than those of :class:`GspoConfig`.
    """
    for field in fields(GspoConfig):
        option = f"--{field.name.replace('_', '-')}"
        if field.name in left_out:
            continue
        if field.name == "out":
            parser.add_argument(option, type=Path, required=True, help="folder to write into")
            continue
        choices = list(field.type) if isinstance(field.default, StrEnum) else None
        default = (defaults or {}).get(field.name, field.default)
        shown = default.name if isinstance(default, Path) else default
        parser.add_argument(option, type=field.type, default=default, choices=choices, help=f"default: {shown}")


def config_of(options: argparse.Namespace, **settings: Any) -> GspoConfig:
    """The run that the options say, but for ``settings``."""
    names = {field.name for field in fields(GspoConfig)}
    return GspoConfig(**{name: value for name, value in vars(options).items() if name in names} | settings)
