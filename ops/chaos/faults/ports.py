"""What a fault is."""

import random
from collections.abc import Awaitable, Callable

from ops.chaos.site.world import World

__all__ = ["Fault", "FaultTable"]


Fault = Callable[[World, random.Random], Awaitable[None]]
"""Inject, hold, heal. When it returns, everything that it broke is on its way up; the caller waits until it is up.

Raises nothing of what the system under test does; what it raises is a failure of the rig.
"""

FaultTable = dict[str, Fault]
"""Fault by name of its kind."""
