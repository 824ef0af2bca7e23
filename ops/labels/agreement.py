"""`precis label agreement`: labels beside gold grades."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from models.labels.agreement import Agreement, agreement, read_gold
from models.labels.files import Header, read_labels
from models.labels.judgement import MAX_GRADE
from models.labels.kappa import Interval
from schemas.errors import InvalidInput

__all__ = ["run_agreement"]


def run_agreement(labels: Path, gold: Path, *, num_resamples: int, seed: int, as_json: bool) -> None:
    """Compare and print.

    Raises:
        PrecisError: A file cannot be read, or the two have no pair in common.
    """
    header, rows = read_labels(labels)
    found = agreement(rows, read_gold(gold), num_resamples=num_resamples, seed=seed)
    if not found.num_pairs:
        raise InvalidInput(
            f"{labels.name} and {gold.name} have no query and job in common ({found.num_without_gold} labels, "
            f"{found.num_without_label} gold grades): pairs meet by the text of `query`, and by `job_id`"
        )
    if as_json:
        print(json.dumps(_fields(header, found)))  # noqa: T201 - the command's answer
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(
        f"{found.num_pairs:,} pairs of {found.num_queries:,} queries; {found.num_without_gold:,} labels without gold, "
        f"{found.num_without_label:,} gold grades without label"
    )
    for name, interval in (
        ("quadratic kappa", found.quadratic),
        ("linear kappa", found.linear),
        ("same grade", found.exact),
        ("within one", found.within_one),
    ):
        console.print(f"{name:16} {_text(interval)}")
    console.print(f"{'mean abs. error':16} {found.mean_absolute_error:.3f} grades; bias {found.bias:+.3f}")
    console.print(_table(found))


def _fields(header: Header, found: Agreement) -> dict[str, Any]:
    fields = asdict(found)
    fields["gold_counts"] = [sum(row) for row in found.confusion]
    fields["label_counts"] = [sum(column) for column in zip(*found.confusion, strict=True)]
    return {"labels": {"method": header.method, "digest": header.digest}, **fields}


def _text(interval: Interval) -> str:
    if interval.value is None or interval.low is None or interval.high is None:
        return "not defined: one grade only"
    return f"{interval.value:.3f}  (95 %: {interval.low:.3f} to {interval.high:.3f})"


def _table(found: Agreement) -> Table:
    table = Table(title="gold grade (rows), label's grade (columns)", title_justify="left", box=None, padding=(0, 1))
    table.add_column("", style="dim")
    for grade in range(MAX_GRADE + 1):
        table.add_column(str(grade), justify="right")
    table.add_column("all", justify="right", style="dim")
    for grade, row in enumerate(found.confusion):
        table.add_row(str(grade), *map(str, row), str(sum(row)))
    columns = [sum(column) for column in zip(*found.confusion, strict=True)]
    table.add_row("all", *map(str, columns), str(sum(columns)), style="dim")
    return table
