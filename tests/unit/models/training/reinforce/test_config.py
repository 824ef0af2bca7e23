"""Settings of a run, and its identity."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from models.training.identity import fingerprint
from models.training.reinforce.config import (
    Algorithm,
    GspoConfig,
    add_options,
    config_of,
    options_said,
    settings_of,
)
from models.training.reinforce.length import Penalty
from schemas.errors import ConfigurationError


def parsed(*arguments: str) -> GspoConfig:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return config_of(parser.parse_args(["--out", "run", *arguments]))


def test_the_defaults_of_the_command_line_are_those_of_the_run() -> None:
    """GSPO with the paper's penalty and weight."""
    assert parsed() == GspoConfig(out=Path("run"))
    assert (parsed().algorithm, parsed().penalty, parsed().weight) == (Algorithm.GSPO, Penalty.QUADRATIC, 0.4)


def test_every_setting_is_an_option() -> None:
    """Of its own type."""
    given = parsed("--algorithm", "grpo", "--penalty", "linear", "--weight", "0.8", "--steps", "8", "--save-every", "1")
    wanted = replace(
        GspoConfig(Path("run")), algorithm=Algorithm.GRPO, penalty=Penalty.LINEAR, weight=0.8, steps=8, save_every=1
    )
    assert given == wanted


def test_the_options_that_are_said_make_the_run_again() -> None:
    """Those that are not the default, without what a grid draws."""
    config = parsed("--reference", "facts", "--seed", "9", "--learning-rate", "6e-5")
    assert parsed(*options_said(config).split()) == config
    assert options_said(config, frozenset({"seed"})) == " --reference facts --learning-rate 6e-05"
    assert options_said(config, defaults={"learning_rate": 6e-5, "seed": config.seed}) == " --reference facts"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"siblings": 1}, "at least 2"),
        ({"steps": 6}, "a multiple of prompts"),
        ({"steps": -4}, "a multiple of prompts"),
        ({"weight": -0.1}, "weight is -0.1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: more than 0"),
        ({"temperature": 0.0}, "temperature is 0.0: more than 0"),
        ({"queries": 0}, "queries is 0"),
        ({"noise": 1.5}, "noise is 1.5"),
    ],
)
def test_what_cannot_be_trained_is_refused(settings: dict[str, float], said: str) -> None:
    """With the value and what is allowed."""
    with pytest.raises(ConfigurationError, match=said):
        replace(GspoConfig(Path("run")), **settings)


def test_a_run_is_known_by_what_its_result_follows_from() -> None:
    """Not by where it writes, nor how often it saves."""
    config = GspoConfig(Path("run"))

    def identity(config: GspoConfig) -> str:
        return fingerprint({"config": settings_of(config)})

    assert identity(replace(config, out=Path("elsewhere"), save_every=1)) == identity(config)
    assert identity(replace(config, weight=0.5)) != identity(config)
    assert identity(replace(config, seed=8)) != identity(config)
