"""Moments that processes of one machine can compare."""

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Moment", "age_s", "lag_s", "now"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on two clocks.

    Attributes:
        boot_id: Which run of the machine ``boot_s`` counts from.
        boot_s: Seconds since boot, sleep included. All processes have the same, and nobody sets it.
        wall_s: Seconds since the epoch; may be set.
    """

    boot_id: str
    boot_s: float
    wall_s: float


def now() -> Moment:
    """This moment. Containers that share a near-cache must not have a time namespace of their own."""
    return Moment(_boot_id(), time.clock_gettime(time.CLOCK_BOOTTIME), time.time())


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def lag_s(caught_up: Moment | None, at: Moment) -> float | None:
    """Seconds from then to now; None where nothing is known: never caught up, or not since the machine's start."""
    if caught_up is None or caught_up.boot_id != at.boot_id:
        return None
    return max(0.0, at.boot_s - caught_up.boot_s)


def age_s(caught_up: Moment, at: Moment) -> float | None:
    """As :func:`lag_s`, over restarts of the machine too, by the wall clock; None where that was set back since."""
    if caught_up.boot_id == at.boot_id:
        return at.boot_s - caught_up.boot_s
    return at.wall_s - caught_up.wall_s if at.wall_s >= caught_up.wall_s else None
