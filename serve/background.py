"""Tasks that nobody awaits one by one: kept from the garbage collector while they run, and ended together."""

import asyncio
from collections.abc import Coroutine

__all__ = ["BackgroundTasks"]


class BackgroundTasks:
    """Those under way. Used from one event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        """Start one."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self) -> None:
        """Wait for all, those too that begin meanwhile."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def cancel(self) -> None:
        """Cancel what is under way, and wait for its end. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await self.drain()
