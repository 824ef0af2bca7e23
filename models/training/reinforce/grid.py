"""The paper's grid: ``precis train gspo-grid --out DIR``.

GSPO and GRPO, each with the quadratic and the linear penalty, at w = 0.4 with every seed; and a sweep of w by GSPO with
the quadratic penalty and the first seed. Each run has a folder of its own and is not repeated once finished, so the
command may be stopped and started. ``table.md`` and ``table.json`` hold what is finished so far, and ``recorded.json``
holds it in the form in which ``precis eval report`` takes recorded runs.
"""

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from statistics import fmean
from typing import Any

from models.bundle import Role, load_bundle
from models.training.command_line import training_command
from models.training.corpora import evaluation_corpus
from models.training.reinforce.config import Algorithm, GspoConfig, add_options, config_of
from models.training.reinforce.gspo import BEFORE
from models.training.reinforce.gspo import main as train
from models.training.reinforce.held_out import HeldOut
from models.training.reinforce.length import Penalty
from models.training.reinforce.reader import Reader
from models.training.reinforce.records import write_json

__all__ = ["cells", "main", "rows_of", "table"]

PAPER_WEIGHT = 0.4
SWEEP = (0.1, 0.2, 0.8, 1.6)
"""Weights of the length penalty beside the paper's."""
SEEDS = (7, 8, 9)

_SHOWN = (
    "ndcg_at_10",
    "divergence",
    "length_ratio",
    "item_ratio",
    "tokens",
    "faithfulness",
    "fact_recall",
    "empty_share",
)
_DRAWN = frozenset({"seed", "algorithm", "penalty", "weight"})
"""Settings that the grid sets."""
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


def rows_of(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a cell, means over its seeds; the start comes first.

    Args:
        results: Of finished runs (``result.json``), which share their start.

    Returns:
        ``cell``, ``seeds``, the measures that the table shows, and ``ndcg_at_10_range`` over the seeds.
    """
    if not results:
        return []
    by_cell: dict[str, list[Mapping[str, float]]] = {"start": [results[0]["before"]]}
    for result in results:
        config = result["config"]
        cell = f"{config['algorithm']}, {config['penalty']}, w = {config['weight']:g}"
        by_cell.setdefault(cell, []).append(result["after"])
    return [
        {
            "cell": cell,
            "seeds": len(measures),
            **{name: round(fmean(each[name] for each in measures), 4) for name in _SHOWN},
            "ndcg_at_10_range": [round(pick(each["ndcg_at_10"] for each in measures), 4) for pick in (min, max)],
        }
        for cell, measures in by_cell.items()
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows in Markdown."""
    columns = ["cell", "seeds", *_SHOWN, "ndcg_at_10_range"]
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(_cell(row[column]) for column in columns)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)


def recorded(rows: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], date: str) -> dict[str, Any]:
    """The table as a recorded run (``precis.recorded/1``), which ``precis eval report`` prints as what it is.

    Args:
        rows: Of :func:`rows_of`, at least one.
        results: Of the finished runs.
        date: Day of the recording, ISO 8601.
    """
    config = {
        "cells": [result["config"] for result in results],
        **{name: results[0][name] for name in ("started_from", "ranker", "data_sha256", "versions")},
    }
    identity = json.dumps(config, sort_keys=True, separators=(",", ":"))
    columns = list(rows[0])
    return {
        "format": "precis.recorded/1",
        "name": "gspo-grid",
        "title": "Summarizer by reinforcement",
        "command": "precis train gspo-grid",
        "date": date,
        "config": config,
        "config_sha256": hashlib.sha256(identity.encode()).hexdigest(),
        "tables": [
            {
                "title": "held-out measures, means over seeds",
                "head": columns,
                "rows": [[_cell(row[column]) for column in columns] for row in rows],
            }
        ],
    }


def main(base: GspoConfig, seeds: Sequence[int] = SEEDS, sweep: Sequence[float] = SWEEP) -> str:
    """Run what is not finished, and write the table after every run.

    Returns:
        The table, in Markdown.
    """
    reader = Reader(load_bundle(base.ranker, Role.RANKER))
    held_out = HeldOut(evaluation_corpus(), base.evaluated, reader, base.reference)
    results: list[dict[str, Any]] = []
    for config in cells(base, seeds, sweep):
        _log.info("%s", config.out.name)
        if results and not (config.out / BEFORE).exists():
            write_json(config.out / BEFORE, results[0]["before"])  # all start from the same weights
        results.append(train(config, held_out))
        rows = rows_of(results)
        write_json(base.out / "table.json", {"rows": rows, "references": results[0]["references"]})
        (base.out / "table.md").write_text(table(rows), encoding="utf-8")
        write_json(base.out / "recorded.json", recorded(rows, results, datetime.now(UTC).date().isoformat()))
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


@training_command
def _command() -> int:
    print(main(*parse_arguments()))  # noqa: T201 (what a command says)
    return 0


if __name__ == "__main__":
    sys.exit(_command())
