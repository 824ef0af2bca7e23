"""Slots of the engine, shared by the lanes of one process: live work first, other work in what it leaves.

Protocol
    1. :meth:`Slots.acquire` queues the caller behind the others of its priority and grants what can be granted.
    2. A free slot goes to the first waiter of the highest priority that may take it.
    3. Lower priorities together hold at most ``num_slots - num_reserved``.
    4. :meth:`Slots.release` frees a slot and grants again.
    5. A waiter that is cancelled leaves its queue; one that was granted a slot in the same moment gives it back.

Invariants
    S1  Slots held and free add up to ``num_slots``; none is lost or doubled, whoever is cancelled.
    S2  While live work waits, no slot is free: it waits for held slots only, and takes the next one that is released.
    S3  The last ``num_reserved`` slots are never held by lower priorities, so live work always finds these.
    S4  Within a priority: first come, first served.
    S5  A lower priority waits only while live work has taken or waits for the rest, or S3 forbids (work-conserving).
"""

import asyncio
from collections import deque
from enum import IntEnum

__all__ = ["Priority", "Slots"]


class Priority(IntEnum):
    """Who comes first. A lower number is a higher priority."""

    LIVE = 0
    """Updates as they happen."""
    BACKFILL = 1
    """Old updates, in bulk."""
    RESUMMARISE = 2
    """Mending of fallbacks, and roll-outs."""


class Slots:
    """A semaphore with priorities. Belongs to one event loop; may be used by any number of tasks."""

    def __init__(self, num_slots: int, *, num_reserved: int = 0) -> None:
        """Make free slots.

        Args:
            num_slots: How many there are, at least 1.
            num_reserved: How many of them lower priorities never hold; below ``num_slots``.
        """
        assert 0 <= num_reserved < num_slots, f"{num_reserved} of {num_slots} slots reserved: none left for the rest"
        self._num_slots = num_slots
        self._num_lower = num_slots - num_reserved
        self._held = dict.fromkeys(Priority, 0)
        self._waiting: dict[Priority, deque[asyncio.Future[None]]] = {priority: deque() for priority in Priority}

    @property
    def num_free(self) -> int:
        """Slots that nobody holds."""
        return self._num_slots - sum(self._held.values())

    def num_held(self, priority: Priority) -> int:
        """Slots that this priority holds."""
        return self._held[priority]

    def num_waiting(self, priority: Priority) -> int:
        """Callers of this priority that wait for a slot."""
        return len(self._waiting[priority])

    async def acquire(self, priority: Priority) -> None:
        """Wait for a slot. Returns at once, without giving way, where one can be had. Cancellation-safe (S1)."""
        if not self._is_contended(priority) and self._may_take(priority):
            self._held[priority] += 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[priority].append(waiter)
        self._grant()
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self.release(priority)  # granted, then cancelled before the caller ran
            else:
                self._waiting[priority].remove(waiter)
            raise

    def release(self, priority: Priority) -> None:
        """Give a slot back."""
        assert self._held[priority] > 0, f"{priority.name} holds no slot"
        self._held[priority] -= 1
        self._grant()

    def _grant(self) -> None:
        for priority, waiters in self._waiting.items():  # in order of priority
            while self._may_take(priority) and (waiter := _first_pending(waiters)) is not None:
                waiters.remove(waiter)
                self._held[priority] += 1
                waiter.set_result(None)

    def _is_contended(self, priority: Priority) -> bool:
        return any(waiters for other, waiters in self._waiting.items() if other <= priority)

    def _may_take(self, priority: Priority) -> bool:
        if self.num_free == 0:
            return False
        num_lower_held = sum(held for other, held in self._held.items() if other is not Priority.LIVE)
        return priority is Priority.LIVE or num_lower_held < self._num_lower


def _first_pending(waiters: deque[asyncio.Future[None]]) -> asyncio.Future[None] | None:
    # One that was cancelled takes itself out when its caller runs, which may be after this.
    return next((waiter for waiter in waiters if not waiter.cancelled()), None)
