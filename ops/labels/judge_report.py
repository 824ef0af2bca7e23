"""What `precis label judge` says: estimate, progress, end. On standard error; one JSON object on standard output."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models.labels.estimate import Estimate, Prices
from models.labels.judge import Tally
from models.labels.judgement import Method
from schemas.errors import PrecisError

__all__ = ["JudgeReport"]

_NAMED_FAILURES = 10
_SMALL_MASS = 0.9
_LINE_EVERY_S = 30.0
_RETRY_LINE_EVERY_S = 10.0


class JudgeReport:
    """Of one run."""

    def __init__(self, console: Console, planned: Estimate, prices: Prices | None, max_posting_chars: int) -> None:
        self._console = console
        self._planned = planned
        self._prices = prices
        self._max_posting_chars = max_posting_chars
        self._next_retry_line_s = 0.0

    def begin(self, counted_by: str, method: Method) -> None:
        """Say what is to be done and what it should cost."""
        planned = self._planned
        self._console.print(
            f"{planned.num_pairs:,} pairs, {planned.num_finished:,} have a label, {planned.num_left:,} to judge"
        )
        self._console.print(
            f"estimate: {planned.prompt_tokens:,} prompt and {planned.completion_tokens:,} completion tokens "
            f"({escape(counted_by)}; grade from {method}; nothing off for cached prompts){self._price(planned)}"
        )
        if planned.num_cut:
            self._console.print(
                f"[yellow]{planned.num_cut:,} postings are cut to {self._max_posting_chars:,} characters"
            )

    def retry(self, error: PrecisError, wait_s: float) -> None:
        """Say that an endpoint is in trouble, once in a while: it may last for minutes."""
        if (now_s := time.monotonic()) >= self._next_retry_line_s:
            self._next_retry_line_s = now_s + _RETRY_LINE_EVERY_S
            self._console.print(f"[yellow]waiting {wait_s:.1f} s: {escape(str(error))}")

    @contextmanager
    def progress(self, tally: Tally) -> Iterator[Callable[[], None]]:
        """Show progress: a bar on a terminal, a line now and then elsewhere. Yields what to call after each pair."""
        total = self._planned.num_left
        if self._console.is_terminal:
            columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            failed = TextColumn("{task.fields[failed]}", style="red")
            with Progress(*columns, TimeRemainingColumn(), failed, console=self._console) as bar:
                task = bar.add_task("", total=total, failed="")

                def show() -> None:
                    failed = f"{len(tally.failures)} failed" if tally.failures else ""
                    bar.update(task, completed=tally.num_judged + len(tally.failures), failed=failed)

                yield show
            return
        next_s = time.monotonic() + _LINE_EVERY_S

        def line() -> None:
            nonlocal next_s
            if time.monotonic() >= next_s:
                next_s = time.monotonic() + _LINE_EVERY_S
                self._console.print(f"{tally.num_judged:,} of {total:,} judged, {len(tally.failures)} failed")

        yield line

    def end(self, tally: Tally, method: Method | None, out: Path, *, is_whole: bool, as_json: bool) -> None:
        """Say what was done; ``method`` is None where nothing was asked."""
        for failure in tally.failures[:_NAMED_FAILURES]:
            self._console.print(f"[yellow]not judged: {escape(failure)}")
        if tally.num_judged or tally.failures or not is_whole:
            left = self._planned.num_left - tally.num_judged
            done = f"{tally.num_judged:,} pairs judged, {left:,} left"
            again = "; run the same command again for these" if left else ""
            self._console.print(f"{'' if is_whole else 'stopped: '}{done}{again}: {escape(str(out))}")
        if tally.num_judged and tally.mass / tally.num_judged < _SMALL_MASS:
            self._console.print(
                f"[yellow]the digits 0 to 4 hold {tally.mass / tally.num_judged:.2f} of the probability on average: "
                "the model would rather say something else; look at rubric and chat template"
            )
        if as_json:
            print(json.dumps(self._fields(tally, method, is_whole=is_whole)))  # noqa: T201 - the command's answer

    def _fields(self, tally: Tally, method: Method | None, *, is_whole: bool) -> dict[str, Any]:
        planned = self._planned
        cost = self._prices and self._prices.of(planned.prompt_tokens, planned.completion_tokens)
        spent = self._prices and self._prices.of(tally.prompt_tokens, tally.completion_tokens)
        return {
            "pairs": planned.num_pairs,
            "had_label": planned.num_finished,
            "judged": tally.num_judged,
            "failed": len(tally.failures),
            "left": planned.num_left - tally.num_judged,
            "stopped": not is_whole,
            "method": method and method.value,
            "mean_mass": tally.mass / tally.num_judged if tally.num_judged else None,
            "estimated": {
                "prompt_tokens": planned.prompt_tokens,
                "completion_tokens": planned.completion_tokens,
                "cost": cost,
            },
            "used": {"prompt_tokens": tally.prompt_tokens, "completion_tokens": tally.completion_tokens, "cost": spent},
        }

    def _price(self, planned: Estimate) -> str:
        if self._prices is None:
            return ""
        return f", price {self._prices.of(planned.prompt_tokens, planned.completion_tokens):,.2f}"
