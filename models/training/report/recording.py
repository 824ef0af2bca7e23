"""``precis eval record``: keep what a long run found, for the report to print as recorded.

    precis eval record --comparison FILE --command "precis prune compare ..." --name pruning

``FILE`` is what ``precis prune compare --json`` printed: it holds NDCG@10 of every query, from which intervals are
computed here.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from models.training.command_line import training_command
from models.training.pruning.methods import MethodName
from models.training.pruning.prompts import CalibrationText
from models.training.pruning.report import Comparison, Row
from models.training.report.recorded import Recorded, RecordedFigure, RecordedTable, record
from models.training.report.wording import percent
from models.training.significance import Interval, relative_difference
from schemas.errors import ConfigurationError

__all__ = ["from_comparison", "write_recorded"]

_FOLDER = Path(__file__).resolve().parents[3] / "docs" / "results" / "recorded"


def from_comparison(comparison: Comparison, *, name: str, command: str, date: str) -> Recorded:
    """A comparison of pruning methods: each row after recovery, beside the unpruned ranker after the same steps.

    Raises:
        ConfigurationError: The comparison was made without recovery: the report itself measures that.
    """
    control = comparison.unpruned.recovered_ndcg_at_10
    if control is None:
        message = "the comparison has no recovery, which the report measures itself: compare with --recover-steps"
        raise ConfigurationError(message)
    config = comparison.model_dump(mode="json", exclude={"unpruned", "rows", "single_layers"})
    figures, rows = [], []
    for row in comparison.rows:
        before = relative_difference(row.ndcg_at_10, comparison.unpruned.ndcg_at_10)
        after = relative_difference(row.recovered_ndcg_at_10 or (), control)
        rows.append(_table_row(row, before, after))
        if row.method is MethodName.OSSCAR and not row.dropped_layers:
            figures.append(_figure(row, after, comparison))
    remark = (
        f"{comparison.queries} held-out queries, {comparison.recover_steps} steps of recovery; the unpruned ranker got "
        "the same steps, and is what all are relative to."
    )
    head = ("method", "neurons removed", "layers dropped", "parameters", "before recovery", "after recovery")
    return record(
        name=name,
        title=f"Pruning methods before and after recovery, calibrated on {_spoken(comparison)}",
        command=command,
        date=date,
        config=config,
        figures=figures,
        tables=(RecordedTable(title="Change of NDCG@10, relative", head=head, rows=tuple(rows)),),
        remarks=(remark,),
    )


def write_recorded(run: Recorded, folder: Path) -> Path:
    """Write ``<name>.json`` and return its path; an earlier run of that name is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{run.name}.json"
    file.write_text(run.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return file


def _spoken(comparison: Comparison) -> str:
    return comparison.calibration.text.replace("-", " ")


def _figure(row: Row, after: Interval, comparison: Comparison) -> RecordedFigure:
    is_usual = comparison.calibration.text == CalibrationText.SUMMARIES
    text = "" if is_usual else f"_{comparison.calibration.text.replace('-', '_')}"
    return RecordedFigure(
        name=f"pruned_{round(100 * row.removed)}{text}_recovered_relative",
        says=f"NDCG@10 without {row.removed:.0%} of the MLP neurons, calibrated on {_spoken(comparison)}, after "
        f"{comparison.recover_steps} steps of recovery, relative to all of them after the same steps",
        value=after.value,
        low=after.low,
        high=after.high,
    )


def _table_row(row: Row, before: Interval, after: Interval) -> tuple[str, ...]:
    dropped = ", ".join(str(layer + 1) for layer in row.dropped_layers)
    size = f"{row.shape.parameters / 1e6:.2f} M"
    return (str(row.method or "layers only"), f"{row.removed:.0%}", dropped, size, percent(before), percent(after))


def _read_comparison(file: Path) -> Comparison:
    try:
        return Comparison.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"comparison {str(file)!r} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        message = f"{str(file)!r} is no comparison of pruning methods: give what `precis prune compare --json` printed"
        raise ConfigurationError(message) from error


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, convert, write."""
    parser = argparse.ArgumentParser(prog="precis eval record", description="Keep what a long run found.")
    parser.add_argument("--comparison", type=Path, required=True, help="what `precis prune compare --json` printed")
    parser.add_argument("--command", required=True, help="the command that was run")
    parser.add_argument("--name", default="pruning", help="of the file")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="of the run (default: today)")
    parser.add_argument("--out", type=Path, default=_FOLDER, help="folder of recorded runs")
    options = parser.parse_args(arguments)
    comparison = _read_comparison(options.comparison)
    run = from_comparison(comparison, name=options.name, command=options.command, date=options.date)
    sys.stdout.write(f"written: {write_recorded(run, options.out)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
