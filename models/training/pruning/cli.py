"""The command line of `precis prune`: options to configurations, nothing else."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.training.data.files import SAMPLE_QUERIES
from models.training.pruning.applying import ApplyConfig
from models.training.pruning.comparison import RATIOS, CompareConfig
from models.training.pruning.lessons import Lesson
from models.training.pruning.methods import MethodName
from models.training.pruning.osscar import SearchConfig
from models.training.pruning.planning import PlanConfig
from models.training.pruning.problem import RIDGE
from models.training.pruning.prompts import CalibrationText
from models.training.pruning.pruned import Settings, Target
from models.training.pruning.recovery import RecoverConfig

__all__ = ["Request", "parse_arguments"]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for."""

    config: PlanConfig | ApplyConfig | RecoverConfig | CompareConfig
    """Its type says which command."""
    threads: int
    """Of torch."""
    as_json: bool
    """Whether to print JSON."""


def parse_arguments(arguments: Sequence[str] | None = None) -> Request:
    """Read the command line; wrong usage ends the process with status 2."""
    parser = argparse.ArgumentParser(prog="precis prune", description="Make a ranker smaller, and say what it costs.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_plan(commands.add_parser("plan", help="decide what is kept, and write it to a file"))
    _add_apply(commands.add_parser("apply", help="make the smaller bundle that a plan describes"))
    _add_recover(commands.add_parser("recover", help="train a pruned ranker, or the control, a little further"))
    _add_compare(commands.add_parser("compare", help="measure every method at every ratio"))
    for command in commands.choices.values():
        command.add_argument("--bundle", type=Path, required=True, help="ranker bundle")
        command.add_argument("--threads", type=_positive, default=1, help="of torch (default: %(default)s)")
        command.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    options = parser.parse_args(arguments)
    return Request(_CONFIGS[options.command](options), options.threads, options.as_json)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="file of the plan")
    parser.add_argument("--method", choices=_METHODS, default=MethodName.OSSCAR.value, help="default: %(default)s")
    parser.add_argument("--mlp-keep", type=float, default=1.0, help="share of MLP neurons kept in every layer")
    parser.add_argument("--kv-heads-keep", type=float, default=1.0, help="share of key-value heads kept in every layer")
    layers = parser.add_mutually_exclusive_group()
    layers.add_argument("--drop-layers", type=_whole, default=0, metavar="N", help="drop the last N layers")
    layers.add_argument("--drop", type=_whole, nargs="+", default=[], metavar="LAYER", help="drop these layers, from 0")
    _add_calibration(parser)


def _plan(options: argparse.Namespace) -> PlanConfig:
    target = Target(
        method=MethodName(options.method),
        mlp_keep=options.mlp_keep,
        kv_heads_keep=options.kv_heads_keep,
        dropped_layers=tuple(sorted(set(options.drop))),
        settings=_settings(options),
    )
    return PlanConfig(
        options.bundle, options.out, target, options.drop_layers, options.text, options.calibration_queries
    )


def _add_apply(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", type=Path, required=True, help="file that `precis prune plan` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new bundle")


def _apply(options: argparse.Namespace) -> ApplyConfig:
    return ApplyConfig(options.bundle, options.plan, options.out)


def _add_recover(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", type=Path, required=True, dest="original", help="the unpruned ranker: the teacher")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new bundle")
    parser.add_argument("--steps", type=_positive, required=True, help="optimiser steps")
    _add_lesson(parser)
    parser.add_argument("--seed", type=int, default=7, help="of the order of pairs")
    parser.add_argument("--postings", type=_positive, default=6000, help="of the training data (default: %(default)s)")
    parser.add_argument("--queries", type=_positive, default=9000, help="of the training data (default: %(default)s)")


def _recover(options: argparse.Namespace) -> RecoverConfig:
    return RecoverConfig(
        options.bundle,
        options.original,
        options.out,
        options.steps,
        Lesson(options.lesson),
        options.seed,
        postings=options.postings,
        queries=options.queries,
    )


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ratios", type=float, nargs="+", default=RATIOS, help="shares of MLP neurons removed")
    parser.add_argument("--methods", choices=_METHODS, nargs="+", default=_METHODS, help="default: all")
    parser.add_argument(
        "--drop-layers", type=_whole, nargs="+", default=[0], metavar="N", help="with the last N layers dropped as well"
    )
    parser.add_argument("--queries", type=_positive, default=SAMPLE_QUERIES, help="held-out queries that are ranked")
    parser.add_argument("--recover-steps", type=_whole, default=0, help="steps of recovery behind each; 0 for none")
    _add_lesson(parser)
    parser.add_argument("--work", type=Path, help="folder of finished rows: a killed comparison goes on from there")
    _add_calibration(parser)


def _compare(options: argparse.Namespace) -> CompareConfig:
    return CompareConfig(
        bundle=options.bundle,
        ratios=tuple(options.ratios),
        methods=tuple(map(MethodName, options.methods)),
        drops=tuple(options.drop_layers),
        queries=options.queries,
        text=options.text,
        calibration_queries=options.calibration_queries,
        recover_steps=options.recover_steps,
        lesson=Lesson(options.lesson),
        settings=_settings(options),
        work=options.work,
    )


_METHODS = [method.value for method in MethodName]
_CONFIGS = {"plan": _plan, "apply": _apply, "recover": _recover, "compare": _compare}


def _add_lesson(parser: argparse.ArgumentParser) -> None:
    lessons = [lesson.value for lesson in Lesson]
    parser.add_argument("--lesson", choices=lessons, default=Lesson.BOTH.value, help="what recovery teaches")


def _add_calibration(parser: argparse.ArgumentParser) -> None:
    text = parser.add_mutually_exclusive_group()
    for choice in CalibrationText:
        text.add_argument(
            f"--{choice.value}",
            action="store_const",
            const=choice,
            dest="text",
            default=CalibrationText.SUMMARIES,
            help=f"calibrate on prompts with {choice.value.replace('-', ' ')}",
        )
    search = SearchConfig()
    parser.add_argument(
        "--calibration-queries", type=_positive, default=64, help="each gives up to eight prompts; default: 64"
    )
    said = "neurons are kept in multiples of it"
    parser.add_argument("--granularity", type=_positive, default=Settings().granularity, help=said)
    parser.add_argument("--block", type=_positive, default=search.block, help="groups that OSSCAR removes at a time")
    parser.add_argument("--swaps", type=_whole, default=search.rounds, help="rounds of OSSCAR's local search")
    parser.add_argument("--ridge", type=_above_zero, default=RIDGE, help="added to the diagonal, as a part of its mean")
    parser.add_argument("--seed", type=int, default=7, help="of random choices and of the order of pairs")


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        granularity=options.granularity,
        seed=options.seed,
        ridge=options.ridge,
        search=SearchConfig(options.block, options.swaps),
    )


def _above_zero(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0: without a ridge some inputs cannot be told apart")
    return number


def _positive(text: str) -> int:
    return _at_least(1, text)


def _whole(text: str) -> int:
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} up")
    return number
