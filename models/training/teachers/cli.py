"""The command lines of the teachers: options to configurations, nothing else."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.labels.teachers.mapping import MAPS, Over, read_map
from models.training.teachers.fitting import PARTS
from models.training.teachers.labelling import LabelConfig

__all__ = ["CompareConfig", "FitConfig", "Request", "parse_arguments"]


@dataclass(frozen=True, slots=True)
class FitConfig:
    """Fit a map."""

    labels: Path
    gold: Path
    part: str
    over: Over
    out: Path


@dataclass(frozen=True, slots=True)
class CompareConfig:
    """Measure the parts."""

    labels: Path
    gold: Path
    over: Over


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for; the type of the configuration says which command."""

    config: LabelConfig | FitConfig | CompareConfig
    as_json: bool


def parse_arguments(arguments: Sequence[str] | None = None) -> Request:
    """Read the command line; wrong usage ends the process with status 2.

    Raises:
        ConfigurationError: The map cannot be read.
    """
    parser = argparse.ArgumentParser(prog="precis label", description="Labels from embedding models and rules.")
    commands = parser.add_subparsers(dest="command", required=True)
    label = commands.add_parser("teacher", help="label pairs; a run goes on where another ended")
    label.add_argument("--pairs", type=Path, required=True, help="pairs, JSON Lines, as for `precis label judge`")
    label.add_argument("--postings", type=Path, help="postings, JSON Lines, where pairs only name them")
    label.add_argument("--out", type=Path, required=True, help="label file")
    label.add_argument("--map", required=True, help=f"{', '.join((*MAPS, ''))}or a file that fit-teachers wrote")
    label.add_argument("--weights", type=Path, required=True, help="folder of the jars (default: the fetched ones)")
    label.add_argument("--scores", type=Path, help="label file whose cosines are taken over, for another map")
    label.add_argument("--max-passages", type=_positive, default=8, help="read of a posting (default: %(default)s)")
    fit = commands.add_parser("fit-teachers", help="fit a map on gold grades")
    compare = commands.add_parser("compare-teachers", help="measure each part of the ensemble alone, cross-fitted")
    for command in (fit, compare):
        command.add_argument("--labels", type=Path, required=True, help="label file of `precis label teacher`")
        command.add_argument("--gold", type=Path, required=True, help="gold grades, as for `precis label agreement`")
        command.add_argument(
            "--over", type=Over, choices=list(Over), default=Over.MEAN, help="of the passages (default: %(default)s)"
        )
    fit.add_argument("--part", choices=list(PARTS), default="ensemble", help="default: %(default)s")
    fit.add_argument("--out", type=Path, required=True, help="file of the map")
    for command in (label, fit, compare):
        command.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on standard output")
    options = parser.parse_args(arguments)
    return Request(_config(options), options.as_json)


def _config(options: argparse.Namespace) -> LabelConfig | FitConfig | CompareConfig:
    if options.command == "fit-teachers":
        return FitConfig(options.labels, options.gold, options.part, options.over, options.out)
    if options.command == "compare-teachers":
        return CompareConfig(options.labels, options.gold, options.over)
    return LabelConfig(
        pairs=options.pairs,
        postings=options.postings,
        out=options.out,
        map=read_map(options.map),
        weights=options.weights,
        scores=options.scores,
        max_passages=options.max_passages,
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value
