"""Options for the rates of an optimiser, the same words in every training."""

import argparse
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from models.training.optimiser import OptimiserConfig

__all__ = ["add_rates", "taken_rates"]

_HELP = {"matrix_rate": "peak rate of Muon", "other_rate": "peak rate of AdamW", "cool_down": "share of the steps"}


def add_rates(
    parser: argparse.ArgumentParser, defaults: OptimiserConfig, left_out: Collection[str] = frozenset()
) -> None:
    """One option for each rate that is not left out."""
    for name, says in _HELP.items():
        if name not in left_out:
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=float, default=getattr(defaults, name), help=says)


def taken_rates(options: dict[str, Any], defaults: OptimiserConfig) -> OptimiserConfig:
    """The rates of parsed options, which are taken out of them; the rest is the defaults'."""
    return replace(defaults, **{name: options.pop(name) for name in _HELP if name in options})
