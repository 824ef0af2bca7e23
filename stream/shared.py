"""What the workers of one process share."""

from collections.abc import Callable
from dataclasses import dataclass

from stream.config import NearlineConfig
from stream.health import Health
from stream.pause import Pause
from stream.slots import Slots
from stream.telemetry import Telemetry

__all__ = ["Shared", "share"]


@dataclass(frozen=True, slots=True)
class Shared:
    """The engine's slots and pause, and the process itself.

    Attributes:
        slots: Who may ask the engine.
        pause: Until when nobody does.
        telemetry: Gauges of progress.
        beat: Called whenever the event loop comes round.
        exit_now: Ends the process at once with a code, without clean-up (``os._exit``).
    """

    slots: Slots
    pause: Pause
    telemetry: Telemetry
    beat: Callable[[], None]
    exit_now: Callable[[int], None]


def share(config: NearlineConfig, telemetry: Telemetry, health: Health, exit_now: Callable[[int], None]) -> Shared:
    """Make it for one process."""
    slots = Slots(config.max_in_flight, num_reserved=config.num_reserved)
    return Shared(slots, Pause(), telemetry, health.beat, exit_now)
