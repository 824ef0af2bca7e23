"""What stops the event loop: the garbage collector, and work that does not give way. Measured, and made rarer."""

import asyncio
import gc
import time
from typing import Any

from serve.telemetry import Telemetry

__all__ = ["StallWatch", "freeze", "give_way"]

_TICK_S = 0.1
# So many candidates take some 2 ms in the longest step.
_FEW = 200


def freeze() -> int:
    """Take what lives now out of the garbage collector's sight, so that a full collection looks at calls only.

    Returns:
        Number of objects that it does not look at any more.
    """
    gc.collect()
    gc.freeze()
    return gc.get_freeze_count()


async def give_way(num_candidates: int) -> None:
    """Between two steps whose time grows with the candidates: let other calls go on, where there are many."""
    if num_candidates > _FEW:
        await asyncio.sleep(0)


class StallWatch:
    """Measures pauses of the collector and lateness of the loop, into histograms. One a process."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._lag = telemetry.loop_lag_seconds
        self._pauses = [telemetry.gc_pause_seconds.labels(str(generation)) for generation in range(3)]
        self._began_s = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        gc.callbacks.append(self._on_collection)
        try:
            while True:
                due_s = time.perf_counter() + _TICK_S
                await asyncio.sleep(_TICK_S)
                self._lag.observe(max(0.0, time.perf_counter() - due_s))
        finally:
            gc.callbacks.remove(self._on_collection)

    def _on_collection(self, phase: str, info: dict[str, Any]) -> None:
        # Collections do not overlap, and run with the interpreter's lock held.
        if phase == "start":
            self._began_s = time.perf_counter()
        else:
            self._pauses[info["generation"]].observe(time.perf_counter() - self._began_s)
