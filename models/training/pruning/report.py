"""What a comparison found: rows to compute with, and the same as a table to read."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from models.training.pruning.methods import MethodName
from models.training.pruning.plan import Calibration, PlanShape, Source
from models.training.significance import Interval, relative_difference

__all__ = ["Comparison", "Row", "table"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Row(_Part):
    """One way to prune, measured."""

    method: MethodName | None
    """None: layers are dropped, and nothing else."""
    removed: float
    """Share of the MLP neurons that was asked for; the shape says what it was rounded to."""
    dropped_layers: tuple[int, ...]
    shape: PlanShape
    loss: float | None = None
    """Part of the MLPs' outputs that is lost on the calibration prompts, mean over layers."""
    ndcg_at_10: tuple[float, ...]
    """Of each held-out query, in their order."""
    recovered_ndcg_at_10: tuple[float, ...] | None = None
    """The same after recovery; None where there was none."""


class Comparison(_Part):
    """The content of ``precis prune compare --json``."""

    format: str = "precis.pruning-comparison/1"
    bundle: Source
    calibration: Calibration
    held_out_sha256: str
    queries: int
    recover_steps: int
    lesson: str
    seed: int
    threads: int
    unpruned: Row
    """Its recovery is the control: the same steps on the same pairs."""
    rows: tuple[Row, ...]
    single_layers: tuple[Row, ...]
    """Each layer dropped alone, without recovery."""


def table(comparison: Comparison) -> Iterator[str]:
    """Lines to print: each change is relative to the unpruned ranker, with its 95 % interval (paired bootstrap)."""
    base, steps, read = comparison.unpruned, comparison.recover_steps, comparison.calibration
    yield (
        f"{comparison.bundle.name} at {comparison.bundle.revision}: {comparison.queries} held-out queries, "
        f"calibrated on {read.prompts} prompts with {read.text} ({read.tokens} tokens)"
    )
    yield f"unpruned: {base.shape.parameters:,} parameters, nDCG@10 {_mean(base.ndcg_at_10):.4f}{_control(base, steps)}"
    yield ""
    yield (
        f"{'method':<17} {'MLP':>5} {'neurons':>7} {'layers':>6} {'params':>6} {'loss':>7}  {'change of nDCG@10':<27}"
        + (f"  after {steps} steps, beside the control" if steps else "")
    )
    for row in comparison.rows:
        yield _line(row, base)
    yield ""
    yield "one layer dropped:"
    for row in comparison.single_layers:
        yield f"  layer {row.dropped_layers[0]:>2}  {_shown(relative_difference(row.ndcg_at_10, base.ndcg_at_10))}"


def _line(row: Row, base: Row) -> str:
    share = 1 - row.shape.parameters / base.shape.parameters
    loss = "" if row.loss is None else f"{row.loss:.4f}"
    line = (
        f"{row.method or 'layers only':<17} {-row.removed:>5.0%} {row.shape.neurons:>7} {row.shape.layers:>6} "
        f"{-share:>6.1%} {loss:>7}  {_shown(relative_difference(row.ndcg_at_10, base.ndcg_at_10)):<27}"
    )
    if row.recovered_ndcg_at_10 is None or base.recovered_ndcg_at_10 is None:
        return line.rstrip()
    return f"{line}  {_shown(relative_difference(row.recovered_ndcg_at_10, base.recovered_ndcg_at_10))}"


def _control(base: Row, steps: int) -> str:
    return f", after {steps} more steps {_mean(base.recovered_ndcg_at_10):.4f}" if base.recovered_ndcg_at_10 else ""


def _shown(change: Interval) -> str:
    return f"{change.value:+.2%} ({change.low:+.2%} to {change.high:+.2%})"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
