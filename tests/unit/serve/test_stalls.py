"""What stops the event loop is measured."""

import asyncio
import contextlib
import gc
from functools import partial

from serve.stalls import StallWatch
from serve.telemetry import Telemetry
from tests.doubles.waiting import until


async def test_collections_and_lateness_are_counted_while_it_watches():
    """And not any more when it has ended."""
    telemetry = Telemetry()

    def counted(generation: str) -> float | None:
        labels = {"generation": generation}
        return telemetry.registry.get_sample_value("precis_scorer_gc_pause_seconds_count", labels)

    watching = asyncio.create_task(StallWatch(telemetry).run())
    lateness = partial(telemetry.registry.get_sample_value, "precis_scorer_event_loop_lag_seconds_count")
    await until(lateness, "lateness is counted")
    before = counted("2")
    gc.collect()
    assert counted("2") == before + 1
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    gc.collect()
    assert counted("2") == before + 1
