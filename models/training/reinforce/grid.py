"""The paper's grid: ``precis train gspo-grid --out DIR``.

GSPO and GRPO, each with the quadratic and the linear penalty, at w = 0.4 with every seed; and a sweep of w by GSPO with
the quadratic penalty and the first seed. Each run has a folder of its own and is not repeated once finished, so the
command may be stopped and started. ``table.md`` and ``table.json`` hold what is finished so far, and ``recorded.json``
holds it in the form in which ``precis eval report`` takes recorded runs.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from models.bundle import Role, load_bundle
from models.training.command_line import run_for_table
from models.training.corpora import evaluation_corpus
from models.training.reinforce.config import Algorithm, GspoConfig, add_options, config_of, options_said
from models.training.reinforce.gspo import BEFORE
from models.training.reinforce.gspo import main as train
from models.training.reinforce.held_out import HeldOut
from models.training.reinforce.length import Penalty
from models.training.reinforce.reader import Reader
from models.training.reinforce.records import write_json
from models.training.reinforce.table import recorded, rows_of, table

__all__ = ["cells", "main"]

PAPER_WEIGHT = 0.4
SWEEP = (0.1, 0.2, 0.8, 1.6)
"""Weights of the length penalty beside the paper's."""
SEEDS = (7, 8, 9)

_DRAWN = frozenset({"seed", "algorithm", "penalty", "weight"})
"""Settings that the grid sets."""
_TITLE = "Summarizer by reinforcement"
_log = logging.getLogger(__name__)


def cells(base: GspoConfig, seeds: Sequence[int], sweep: Sequence[float]) -> list[GspoConfig]:
    """The runs, the one of the paper's best row first.

    Args:
        base: Settings that all share; ``out`` is the folder of the grid.
        seeds: Of each cell of the 2 x 2.
        sweep: Weights of the runs with the first seed.
    """
    square = [
        replace(base, algorithm=algorithm, penalty=penalty, weight=PAPER_WEIGHT, seed=seed)
        for seed, algorithm, penalty in product(seeds, Algorithm, Penalty)
    ]
    swept = [
        replace(base, algorithm=Algorithm.GSPO, penalty=Penalty.QUADRATIC, weight=weight, seed=seeds[0])
        for weight in sweep
    ]
    return [replace(config, out=base.out / _name(config)) for config in (*square, *swept)]


def _name(config: GspoConfig) -> str:
    return f"{config.algorithm}-{config.penalty}-w{config.weight:g}-seed{config.seed}"


def main(base: GspoConfig, seeds: Sequence[int] = SEEDS, sweep: Sequence[float] = SWEEP) -> str:
    """Run what is not finished, and write the table after every run.

    Returns:
        The table, in Markdown.
    """
    reader = Reader(load_bundle(base.ranker, Role.RANKER))
    held_out = HeldOut(evaluation_corpus(), base.evaluated, reader, base.reference)
    command = f"precis train gspo-grid{options_said(base, _DRAWN)}"
    results: list[dict[str, Any]] = []
    for config in cells(base, seeds, sweep):
        _log.info("%s", config.out.name)
        if results and not (config.out / BEFORE).exists():
            write_json(config.out / BEFORE, results[0]["before"])  # all start from the same weights
        results.append(train(config, held_out))
        rows = rows_of(results)
        write_json(base.out / "table.json", {"rows": rows, "references": results[0]["references"]})
        (base.out / "table.md").write_text(table(rows), encoding="utf-8")
        record = recorded(results, "gspo-grid", _TITLE, command)
        write_json(base.out / "recorded.json", record.model_dump(mode="json"))
    return table(rows_of(results))


def parse_arguments(arguments: Sequence[str] | None = None) -> tuple[GspoConfig, list[int], list[float]]:
    """Read the command line: settings of all runs, seeds, weights of the sweep."""
    parser = argparse.ArgumentParser(
        prog="precis train gspo-grid", description="Train the grid of algorithms, penalties and weights."
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help=f"default: {SEEDS}")
    parser.add_argument("--sweep", type=float, nargs="*", default=SWEEP, help=f"weights beside 0.4, default: {SWEEP}")
    add_options(parser, left_out=_DRAWN)
    options = parser.parse_args(arguments)
    return config_of(options), list(options.seeds), list(options.sweep)


if __name__ == "__main__":
    sys.exit(run_for_table(parse_arguments, main))
