"""``precis prune``: run a command, print what it did."""

import json
import sys
from collections.abc import Iterator, Sequence

import torch

from models.bundle import Manifest
from models.training.command_line import training_command
from models.training.pruning.applying import ApplyConfig, apply_plan
from models.training.pruning.cli import Request, parse_arguments
from models.training.pruning.comparison import CompareConfig, compare
from models.training.pruning.plan import Plan
from models.training.pruning.planning import PlanConfig, make_plan
from models.training.pruning.recovery import RecoverConfig, recover
from models.training.pruning.report import Comparison, table

__all__ = ["main"]

Result = Plan | Manifest | Comparison


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say.

    Returns:
        Exit status: 0 done; 1 it failed; 2 wrong usage, bundle or plan. Errors are one message on standard error.
    """
    request = parse_arguments(arguments)
    torch.set_num_threads(request.threads)
    result = _run(request)
    lines = [result.model_dump_json()] if request.as_json else _lines(result)
    for line in lines:
        print(line)  # noqa: T201 (what a command says)
    return 0


def _run(request: Request) -> Result:
    config = request.config
    if isinstance(config, PlanConfig):
        return make_plan(config)
    if isinstance(config, ApplyConfig):
        return apply_plan(config)
    if isinstance(config, RecoverConfig):
        manifest = recover(config)
        assert manifest is not None  # alone, so this process writes
        return manifest
    assert isinstance(config, CompareConfig)
    return compare(config)


def _lines(result: Result) -> Iterator[str]:
    if isinstance(result, Comparison):
        yield from table(result)
    elif isinstance(result, Manifest):
        yield f"{result.name}: {result.metrics['parameters']:,.0f} parameters"
        yield json.dumps({name: value for name, value in result.metrics.items() if name != "parameters"})
    else:
        yield from result.as_lines()


if __name__ == "__main__":
    sys.exit(main())
