"""The data-scaling curve of the tiny ranker: ``precis train ranker-scaling --out DIR``.

The same training, with the same number of steps, on a part of the postings and queries, and on all of them: fewer data
are seen more often. Each run has a folder of its own and is not repeated once finished, so the command may be stopped
and started. ``ranker-scaling.json`` holds what is finished so far, in the form in which ``precis eval report`` takes
recorded runs.
"""

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from models.training.command_line import run_for_table
from models.training.export import versions
from models.training.ranker import RankerConfig, add_numbers
from models.training.ranker import main as train
from models.training.reinforce.records import write_json
from models.training.report.markdown import table_lines
from models.training.report.recorded import Recorded, RecordedTable, record
from models.training.report.recording import write_recorded
from schemas.errors import ConfigurationError

__all__ = ["SHARES", "main", "recorded_curve"]

SHARES = (1 / 64, 1 / 16, 1 / 4, 1.0)
"""Parts of the training data, each four times the one before."""

_STEPS = 500
_EVALUATED = 120
_NEEDED = 8
"""Postings below which no query finds its candidates."""
_COLUMNS: Mapping[str, str] = {
    "train_loss": "train loss",
    "ndcg_at_10": "NDCG@10",
    "unseen_ndcg_at_10": "unseen occupations",
    "ndcg_at_10_header_only": "header only",
}
_log = logging.getLogger(__name__)


def main(base: RankerConfig, shares: Sequence[float] = SHARES) -> str:
    """Train on each share, the smallest first.

    Args:
        base: What all have in common; its postings and queries are all there are, ``out`` is the folder of the curve.
        shares: Of postings and queries.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigurationError: A share is too small, or the folder has a run of other settings.
    """
    parts = [_part(base, share) for share in sorted(shares)]
    results: list[dict[str, Any]] = []
    table = ""
    for config in parts:
        _log.info("%d postings, %d queries", config.postings, config.queries)
        results.append(_trained(config))
        record = recorded_curve(results)
        write_recorded(record, base.out)
        (curve,) = record.tables
        table = "\n".join(table_lines(curve.head, curve.rows)) + "\n"
    return table


def _part(base: RankerConfig, share: float) -> RankerConfig:
    postings, queries = round(share * base.postings), round(share * base.queries)
    if not 0 < share <= 1 or postings < _NEEDED:
        raise ConfigurationError(f"share {share:g} of {base.postings} postings: above 0, at most 1, {_NEEDED} or more")
    return replace(base, postings=postings, queries=queries, out=base.out / "runs" / f"postings-{postings}")


def _trained(config: RankerConfig) -> dict[str, Any]:
    """Settings and measures of a run; trained where they are not there."""
    file = config.out.with_suffix(".json")
    settings = json.loads(json.dumps({name: value for name, value in asdict(config).items() if name != "out"}))
    settings["versions"] = dict(versions())
    if file.exists():
        result = json.loads(file.read_text(encoding="utf-8"))
        if result["config"] != settings:
            message = f"{str(file)!r} is of other settings: choose another --out, or remove it"
            raise ConfigurationError(message)
        return result
    result = {"config": settings, "metrics": dict(train(config).metrics)}
    write_json(file, result)
    return result


def recorded_curve(results: Sequence[Mapping[str, Any]]) -> Recorded:
    """The curve as a recorded run of today.

    Args:
        results: Settings and metrics of finished runs, at least one.
    """
    config = {"runs": [result["config"] for result in results]}
    metrics, steps = results[-1]["metrics"], results[-1]["config"]["steps"]
    held_out = int(metrics["queries"])
    rows = [
        (
            str(result["config"]["postings"]),
            str(result["config"]["queries"]),
            *(f"{result['metrics'][name]:.4f}" for name in _COLUMNS),
        )
        for result in results
    ]
    remark = (
        f"{held_out} held-out queries each of known and of unseen occupations, with target summaries; {steps} steps "
        f"whatever the data, one seed. BM25 over full texts: {metrics['bm25_ndcg_at_10']:.4f}, unseen "
        f"{metrics['unseen_bm25_ndcg_at_10']:.4f}."
    )
    head = ("postings", "queries", *_COLUMNS.values())
    return record(
        name="ranker-scaling",
        title="Ranker by the amount of training data",
        command=f"precis train ranker-scaling --steps {steps} --evaluated {held_out}",
        config=config,
        tables=(RecordedTable(title="NDCG@10 by training data", head=head, rows=tuple(rows)),),
        remarks=(remark,),
    )


def parse_arguments(arguments: Sequence[str] | None = None) -> tuple[RankerConfig, list[float]]:
    """Read the command line: what the runs have in common, and the shares."""
    parser = argparse.ArgumentParser(
        prog="precis train ranker-scaling", description="Train the tiny ranker on parts of its data."
    )
    defaults = RankerConfig(out=Path(), steps=_STEPS, evaluated=_EVALUATED)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    said = f"parts of postings and queries, default: {SHARES}"
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES, help=said)
    add_numbers(parser, defaults)
    options = vars(parser.parse_args(arguments))
    shares = options.pop("shares")
    return replace(defaults, **options), list(shares)


if __name__ == "__main__":
    sys.exit(run_for_table(parse_arguments, main))
