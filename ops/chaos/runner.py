"""A run: its segments one after the other, each on a fresh site; what is in the journal already is not run again."""

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.chaos.bundles import write_bundles
from ops.chaos.deck import deal
from ops.chaos.faults.ports import FaultTable
from ops.chaos.mutants import Mutant
from ops.chaos.profiles import Profile, open_profile, sharpened
from ops.chaos.report import RunKey, SegmentReport, accumulated, append, read_done, summed
from ops.chaos.segment import Conditions, SegmentPlan, run_segment
from ops.settings import Settings

__all__ = ["RunPlan", "run_chaos"]

_SEEDS_APART = 1_000_003
_NUM_JOBS = 120


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is asked for.

    Attributes:
        profile: ``embedded`` or ``local-real``.
        num_faults: How many.
        seed: Of everything random.
        mutant: Step to break, or None.
        journal: Where finished segments are noted, and read from.
        segment_size: Faults a segment.
        kinds: Only these kinds of faults; empty for all.
    """

    profile: str
    num_faults: int
    seed: int
    mutant: Mutant | None = None
    journal: Path | None = None
    segment_size: int = 25
    kinds: tuple[str, ...] = ()


async def run_chaos(plan: RunPlan, settings: Settings, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Run what is missing of a run.

    Args:
        plan: What is asked for.
        settings: Where files go (``data_dir``), and the bundle whose tokenizer is used.
        say: Told of progress.

    Returns:
        The whole run's result, segments of the journal included.
    """
    key = RunKey(plan.profile, plan.seed, plan.num_faults, plan.mutant or "")
    reports = read_done(plan.journal, key) if plan.journal else []
    done = {report.number for report in reports}
    name = "-".join(filter(None, (plan.profile, str(plan.seed), plan.mutant)))
    base = (settings.data_dir / "chaos" / name).resolve()
    bundles = write_bundles(base / "bundles", settings.summarizer.bundle / "tokenizer.json")
    with ExitStack() as stack:
        profile = stack.enter_context(open_profile(plan.profile, base))
        conditions = Conditions(profile.faults, bundles, plan.mutant, lambda kind: say(f"{_clock()}   {kind}"))
        for segment in _segments(plan, profile.faults):
            if segment.number in done:
                continue
            report = await _run_one(segment, profile, conditions, base / f"segment-{segment.number}")
            reports.append(report)
            if plan.journal:
                append(plan.journal, key, report)
            say(f"{_clock()} {_line(report)}")
    result = summed(key, reports)
    return result | {"accumulated": accumulated(plan.journal, plan.profile)} if plan.journal else result


def _segments(plan: RunPlan, faults: FaultTable) -> list[SegmentPlan]:
    kinds = plan.kinds or sharpened(plan.mutant, faults)
    dealt = deal(kinds, plan.num_faults, seed=plan.seed, segment_size=plan.segment_size)
    return [
        SegmentPlan(number, plan.seed * _SEEDS_APART + number, cards, num_jobs=_NUM_JOBS)
        for number, cards in enumerate(dealt)
    ]


async def _run_one(plan: SegmentPlan, profile: Profile, conditions: Conditions, directory: Path) -> SegmentReport:
    """One segment in its directory, which is kept where something was found."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)  # noqa: ASYNC240 - nothing else runs yet
    with profile.open_site(directory, plan.number) as site:
        report = await run_segment(plan, site, conditions, directory=directory)
    if not report.findings:
        shutil.rmtree(directory, ignore_errors=True)
    return report


def _clock() -> str:
    return time.strftime("%H:%M:%S")


def _line(report: SegmentReport) -> str:
    found = ", ".join(f"{name} {count}" for name, count in report.findings.items()) or "nothing found"
    faults = sum(report.by_kind.values())
    return (
        f"segment {report.number}: {faults} faults, {report.in_flight} with work in flight, {report.updates} updates, "
        f"{report.dead_lettered}/{report.expected_dead_lettered} dead letters, {report.wall_s:.0f} s: {found}"
    )


def say_on_stderr(line: str) -> None:
    """Progress for a person, off the way of the JSON."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress of a command
