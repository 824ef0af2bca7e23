"""`precis label teacher`, `fit-teachers` and `compare-teachers`: run one, say what it did."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from models.labels.agreement import read_gold
from models.training.command_line import training_command
from models.training.teachers.cli import CompareConfig, FitConfig, Request, parse_arguments
from models.training.teachers.comparison import Worth, compare_parts
from models.training.teachers.fitting import fit_map, graded
from models.training.teachers.labelling import LabelConfig, Labelled, label_pairs, read_teacher_labels
from schemas.errors import ConfigurationError

__all__ = ["main"]

_STOPPED = 130
_LINE_EVERY_S = 30.0


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say.

    Returns:
        Exit status: 0 done; 1 it failed; 2 wrong usage, weights or map; 130 stopped by Ctrl-C. An error is one message
        on standard error.
    """
    return _run(parse_arguments(arguments))


def _run(request: Request) -> int:
    config = request.config
    if isinstance(config, LabelConfig):
        done = label_pairs(config, _Progress())
        _say(request, asdict(done), _labelled(config, done))
        return 0 if done.is_whole else _STOPPED
    if isinstance(config, FitConfig):
        _fit(request, config)
    else:
        _compare(request, config)
    return 0


def _fit(request: Request, config: FitConfig) -> None:
    header, labels = read_teacher_labels(config.labels)
    pairs = graded(labels, read_gold(config.gold))
    record = {
        "gold": config.gold.name,
        "pairs": len(pairs),
        "part": config.part,
        **{name: header.settings[name] for name in ("max_passages", "rules")},
    }
    fitted = fit_map(pairs, config.part, config.over, record)
    try:
        config.out.write_text(fitted.model_dump_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{str(config.out)!r} cannot be written: {error.strerror}") from error
    weights = {name: scale.weight for name, scale in fitted.teachers.items()}
    said = ", ".join(
        f"{name} {weight:.3f}" for name, weight in {**weights, "met": fitted.met, "denied": fitted.denied}.items()
    )
    _say(request, fitted.model_dump(mode="json"), [f"{len(pairs):,} pairs; weights: {said}; {len(fitted.knots)} knots"])


def _compare(request: Request, config: CompareConfig) -> None:
    _, labels = read_teacher_labels(config.labels)
    pairs = graded(labels, read_gold(config.gold))
    found = compare_parts(pairs, config.over)
    lines = [f"{len(pairs):,} pairs; each part fitted on four fifths of the queries, measured on the others"]
    lines += [_line(part, worth) for part, worth in found.items()]
    _say(request, {part: worth.as_fields() for part, worth in found.items()}, lines)


def _line(part: str, worth: Worth) -> str:
    ndcg, kappa = worth.ndcg_at_10, worth.kappa
    said = "not defined" if kappa.value is None else f"{kappa.value:.3f} ({kappa.low:.3f} to {kappa.high:.3f})"
    return (
        f"{part:18} NDCG@10 {ndcg.value:.3f} ({ndcg.low:.3f} to {ndcg.high:.3f})  quadratic kappa {said}  "
        f"mean abs. error {worth.mean_absolute_error:.3f}"
    )


def _labelled(config: LabelConfig, done: Labelled) -> list[str]:
    left = done.num_pairs - done.num_finished - done.num_labelled
    again = f", {left:,} left: run the same command again for these" if left else ""
    lines = [
        (
            f"{'' if done.is_whole else 'stopped: '}{done.num_pairs:,} pairs, {done.num_finished:,} had a label, "
            f"{done.num_labelled:,} labelled ({done.num_reused:,} without embedding){again}: {config.out}"
        )
    ]
    lines += [
        f"{name}: {work.num_texts:,} texts, {work.num_texts / work.seconds:.1f} a second of one core"
        for name, work in done.work.items()
        if work.num_texts
    ]
    return lines


def _say(request: Request, fields: dict[str, Any], lines: Sequence[str]) -> None:
    for line in [json.dumps(fields)] if request.as_json else lines:
        print(line)  # noqa: T201 (what a command says)


class _Progress:
    """A line on standard error now and then."""

    def __init__(self) -> None:
        self._next_s = time.monotonic() + _LINE_EVERY_S

    def __call__(self, num_done: int, num_total: int) -> None:
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _LINE_EVERY_S
            print(f"{num_done:,} of {num_total:,} labelled", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
