"""One run of the generator: plan, process, what came back."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ops.load.stale import Judge
from ops.load.summary import Outcome, outcome_of
from ops.load.traffic import PlannedCall
from ops.load.wire import Cost, Orders, read_sent, write_plan
from ops.settings import PROJECT_ROOT, environment_for
from ops.supervise import Child, ChildSpec

__all__ = ["Run", "send"]

_LOOK_S = 0.1
_GIVE_UP_S = 10.0
# The changelog tells of a write a moment after it can be read from the store.
_SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """What came back.

    Attributes:
        outcomes: Of all calls, in the order of their ends.
        cost: Of sending.
    """

    outcomes: list[Outcome]
    cost: Cost


async def send(
    url: str,
    calls: Iterable[PlannedCall],
    directory: Path,
    judge: Judge,
    *,
    until: asyncio.Event | None = None,
    on_begin: Callable[[], None] = lambda: None,
    on_end: Callable[[], None] = lambda: None,
) -> Run:
    """Send the calls when they are due, and judge what came back.

    Args:
        url: Of the scorer.
        calls: In order of their times.
        directory: Takes plan and answers; both are removed.
        judge: Sees each answer.
        until: Once it is set, no more calls are sent; None: until all are.
        on_begin: Told when the first call is about to be sent.
        on_end: Told when the last answer is there.

    Raises:
        BackendUnavailable: The process failed.
    """
    plan, out = directory / "plan", directory / "answers"
    await asyncio.to_thread(write_plan, plan, Orders(url, _GIVE_UP_S), calls)
    spec = ChildSpec(
        name="load-generator",
        command=[sys.executable, "-m", "ops.load.generator", str(plan), str(out)],
        environment=environment_for({}) | {"PYTHONPATH": str(PROJECT_ROOT)},
        ready_url="",
        log_file=directory / "generator.log",
    )
    child = Child(spec)
    has_begun = False
    try:
        while (code := child.exit_code()) is None:
            if not has_begun and out.exists():
                has_begun = True
                on_begin()
            if until is not None and until.is_set():
                os.kill(child.pid, signal.SIGTERM)
                until = None
            await asyncio.sleep(_LOOK_S)
    finally:
        child.kill()
    if not has_begun:  # over before we looked, or there was nothing to send
        on_begin()
    on_end()
    if code:
        raise spec.failed(f"ended with exit code {code}")
    await asyncio.sleep(_SETTLE_S)
    try:
        return await asyncio.to_thread(_read, out, judge)
    finally:
        plan.unlink()
        out.unlink()


def _read(out: Path, judge: Judge) -> Run:
    outcomes: list[Outcome] = []
    for entry in read_sent(out):
        if isinstance(entry, Cost):
            return Run(outcomes, entry)
        sent, answer = entry
        outcomes.append(outcome_of(sent, answer))
        judge.see(sent, answer)
    raise AssertionError  # read_sent ends with the cost, or raises
