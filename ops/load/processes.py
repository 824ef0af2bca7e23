"""CPU time and memory of processes, as the kernel counts them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage", "cores_used", "usage_of_tree"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat, counted after the command's closing parenthesis.
_PARENT, _USER_TICKS, _SYSTEM_TICKS, _RESIDENT_PAGES = 1, 11, 12, 21


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes have used.

    Attributes:
        cpu_s: CPU time so far, seconds.
        rss_bytes: Resident memory now; what processes share counts for each.
    """

    cpu_s: float
    rss_bytes: int


def usage_of_tree(pid: int, *, with_children: bool = True) -> Usage:
    """Of a process and of all that descend from it; zeros where it has ended."""
    stats = _stats() if with_children else {pid: stat} if (stat := _stat(str(pid))) else {}
    members, cpu_ticks, pages = [pid] if pid in stats else [], 0, 0
    for member in members:  # grows while it is walked
        fields = stats[member]
        cpu_ticks += int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])
        pages += int(fields[_RESIDENT_PAGES])
        members += [child for child, other in stats.items() if int(other[_PARENT]) == member] if with_children else []
    return Usage(cpu_ticks / _TICKS_PER_S, pages * _PAGE_BYTES)


def cores_used(before: Mapping[str, Usage], after: Mapping[str, Usage], seconds: float) -> dict[str, float]:
    """CPU cores that each part kept busy between two looks; parts that were restarted meanwhile are left out."""
    spent = {name: after[name].cpu_s - before[name].cpu_s for name in before.keys() & after.keys()}
    return {name: round(cpu_s / seconds, 3) for name, cpu_s in sorted(spent.items()) if cpu_s >= 0}


def _stats() -> dict[int, list[str]]:
    names = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {int(name): fields for name in names if (fields := _stat(name))}


def _stat(pid: str) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return None
