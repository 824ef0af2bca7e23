"""What a run found: one line of JSON a segment, summed up over segments."""

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

__all__ = ["COUNTS", "RunKey", "SegmentReport", "accumulated", "append", "is_passed", "read_done", "summed"]

COUNTS = ("lost", "stale", "duplicate_visible", "misordered", "changelog_behind", "dead_letters", "stuck")
"""What findings are counted as; ``dead_letters``: places in one of the two sets only; ``stuck``: the system did not
come back after a fault, or did not finish what was published."""

_MAX_FINDINGS = 50


@dataclass(frozen=True, slots=True)
class RunKey:
    """What a run is; segments of the same key belong together."""

    profile: str
    seed: int
    faults: int
    mutant: str


@dataclass(slots=True)
class SegmentReport:
    """What one segment found.

    Attributes:
        number: Of the segment, from 0.
        by_kind: Faults that struck.
        in_flight: How many of them struck while a worker had records at work.
        updates: Records in the log.
        findings: Count of findings by what they count as.
        details: The first of them, for a person.
        dead_lettered: Distinct original places in the dead-letter topic.
        expected_dead_lettered: By the oracle.
        probe: What the probe did.
        exits: How processes ended.
        mended: Fallbacks that a lane mended, and that an update mended.
        wall_s: Time it took, seconds.
    """

    number: int
    by_kind: "Counter[str]" = field(default_factory=Counter)
    in_flight: int = 0
    updates: int = 0
    findings: "Counter[str]" = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    dead_lettered: int = 0
    expected_dead_lettered: int = 0
    probe: "Counter[str]" = field(default_factory=Counter)
    exits: "Counter[str]" = field(default_factory=Counter)
    mended: "Counter[str]" = field(default_factory=Counter)
    wall_s: float = 0.0

    def note(self, count: str, detail: str) -> None:
        """Add a finding."""
        self.findings[count] += 1
        if len(self.details) < _MAX_FINDINGS:
            self.details.append(f"{count}: {detail}")


def append(journal: Path, key: RunKey, report: SegmentReport) -> None:
    """Note a finished segment; a line is written at once."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("a") as lines:
        lines.write(json.dumps({"run": asdict(key), "segment": _fields(report)}) + "\n")


def read_done(journal: Path, key: RunKey) -> list[SegmentReport]:
    """Finished segments of this run; a line that was cut off by a kill is left out."""
    return [_report(values["segment"]) for values in _lines(journal) if values["run"] == asdict(key)]


def _lines(journal: Path) -> list[dict[str, Any]]:
    found = []
    for line in journal.read_text().splitlines() if journal.exists() else ():
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def _fields(report: SegmentReport) -> dict[str, Any]:
    # Not asdict: it makes a Counter of a Counter's items.
    return {part.name: getattr(report, part.name) for part in fields(report)}


def _report(values: dict[str, Any]) -> SegmentReport:
    counters = ("by_kind", "findings", "probe", "exits", "mended")
    return SegmentReport(**{**values, **{name: Counter(values[name]) for name in counters}})


def summed(key: RunKey, reports: Iterable[SegmentReport]) -> dict[str, Any]:
    """The run's result, as ``precis chaos --json`` prints it."""
    reports = sorted(reports, key=lambda report: report.number)
    findings = _sum(report.findings for report in reports)
    by_kind = _sum(report.by_kind for report in reports)
    return {
        **asdict(key),
        "faults": sum(by_kind.values()),
        "by_kind": dict(sorted(by_kind.items())),
        "faults_with_work_in_flight": sum(report.in_flight for report in reports),
        "updates": sum(report.updates for report in reports),
        **{name: findings[name] for name in COUNTS if name != "dead_letters"},
        "dead_lettered": sum(report.dead_lettered for report in reports),
        "expected_dead_lettered": sum(report.expected_dead_lettered for report in reports),
        "dead_letters_not_as_expected": findings["dead_letters"],
        "segments": len(reports),
        "probe": _sorted(report.probe for report in reports),
        "exits": _sorted(report.exits for report in reports),
        "mended": _sorted(report.mended for report in reports),
        "details": [f"segment {report.number}: {detail}" for report in reports for detail in report.details],
        "wall_s": round(sum(report.wall_s for report in reports), 1),
    }


def _sum(counters: "Iterable[Counter[str]]") -> "Counter[str]":
    return sum(counters, Counter[str]())


def _sorted(counters: "Iterable[Counter[str]]") -> dict[str, int]:
    return dict(sorted(_sum(counters).items()))


def accumulated(journal: Path, profile: str) -> dict[str, Any]:
    """What all runs of a profile in a journal found together; those of mutants are left out."""
    lines = [
        values for values in _lines(journal) if values["run"]["profile"] == profile and not values["run"]["mutant"]
    ]
    reports = [_report(values["segment"]) for values in lines]
    return {
        "seeds": sorted({values["run"]["seed"] for values in lines}),
        "faults": sum(_sum(report.by_kind for report in reports).values()),
        "updates": sum(report.updates for report in reports),
        "findings": _sorted(report.findings for report in reports),
    }


def is_passed(result: dict[str, Any]) -> bool:
    """Whether nothing was found; of a mutant: whether the checker caught it."""
    is_clean = not result["dead_letters_not_as_expected"] and not any(
        result[name] for name in COUNTS if name != "dead_letters"
    )
    return is_clean != bool(result["mutant"])
