"""What a parity run found: the rows, for JSON and for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from ops.engine.launch import Dtype, EngineName
from ops.engine.parity.judge import ScoreFigures, TextFigures

__all__ = ["EngineRow", "ParityReport", "print_report"]

_NUM_SHOWN = 12


@dataclass(frozen=True, slots=True)
class EngineRow:
    """One engine in one precision.

    Attributes:
        engine: Which.
        dtype: Type of its computation.
        tolerance: Largest difference of a score that is none.
        scores: Of the ranker; None where it gave no answers.
        texts: Of the summarizer; None where it gave no answers.
        problems: Of the examinations, and why something did not answer.
        seconds: What starting, asking and stopping took, both roles together.
    """

    engine: EngineName
    dtype: Dtype
    tolerance: float
    scores: ScoreFigures | None
    texts: TextFigures | None
    problems: tuple[str, ...]
    seconds: float

    @property
    def is_gate(self) -> bool:
        """Whether its failures fail the run: rounding to bfloat16 is no fault of an engine, and is reported only."""
        return self.dtype is Dtype.FLOAT32

    @property
    def failures(self) -> tuple[str, ...]:
        """All that is wrong, a sentence each."""
        figures = (*(self.scores.failures if self.scores else ()), *(self.texts.failures if self.texts else ()))
        return (*self.problems, *figures)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the figures of what gave no answers are null."""
        scores, texts = self.scores, self.texts
        return {
            "engine": self.engine.value,
            "dtype": self.dtype.value,
            "is_gate": self.is_gate,
            "tolerance": self.tolerance,
            "pairs": scores and scores.pairs,
            "score_std": scores and scores.score_std,
            "max_abs_diff": scores and scores.max_abs_diff,
            "tau": scores and scores.tau,
            "texts_equal": texts and texts.num_equal == texts.texts,
            "texts": texts and texts.texts,
            "num_texts_equal": texts and texts.num_equal,
            "failures": list(self.failures),
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class ParityReport:
    """All rows.

    Attributes:
        ranker: Name and revision of its bundle.
        summarizer: Name and revision of its bundle.
        score_std: Standard deviation of the reference's scores.
        seed: Of the choice of samples.
        rows: An engine in a precision each.
    """

    ranker: str
    summarizer: str
    score_std: float
    seed: int
    rows: Sequence[EngineRow]

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the gate fails, a sentence each; empty where it does not."""
        return tuple(
            f"{row.engine} in {row.dtype}: {failure}" for row in self.rows if row.is_gate for failure in row.failures
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "ok": not self.failures,
            "reference": {"library": "transformers", "dtype": Dtype.FLOAT32.value, "score_std": self.score_std},
            "ranker": self.ranker,
            "summarizer": self.summarizer,
            "seed": self.seed,
            "engines": [row.as_dict() for row in self.rows],
            "failures": list(self.failures),
        }


def print_report(console: Console, report: ParityReport) -> None:
    """The rows as a table, and what is wrong below it."""
    table = Table(title="against transformers in float32", title_justify="left", header_style="dim", box=None)
    for name in ("engine", "dtype"):
        table.add_column(name)
    for name in ("pairs", "std", "largest difference", "allowed", "tau", "texts equal", "seconds"):
        table.add_column(name, justify="right")
    for row in report.rows:
        scores, texts = row.scores, row.texts
        table.add_row(
            row.engine,
            row.dtype,
            str(scores.pairs) if scores else "-",
            _number(scores.score_std if scores else None, ".3f"),
            _number(scores.max_abs_diff if scores else None, ".1e"),
            f"{row.tolerance:g}" if row.is_gate else f"({row.tolerance:g})",
            _number(scores.tau if scores else None, ".4f"),
            f"{texts.num_equal} of {texts.texts}" if texts else "-",
            f"{row.seconds:.0f}",
        )
    console.print(table)
    for row in report.rows:
        for failure in row.failures[:_NUM_SHOWN]:
            style = "[bold red]fails[/]" if row.is_gate else "[yellow]note[/] "
            console.print(f"{style} {row.engine} in {row.dtype}: ", end="", highlight=False)
            console.print(failure, markup=False, highlight=False)
        if (num_more := len(row.failures) - _NUM_SHOWN) > 0:
            console.print(f"      and {num_more} more, which --json lists", highlight=False)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
