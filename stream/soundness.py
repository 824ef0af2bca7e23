"""Is it the record, or the engine? After an answer in another form the bundle's canaries tell (DESIGN 9)."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from schemas.errors import BackendError, BackendProtocolError, DeadlineExceeded, Overloaded

__all__ = ["EngineSoundness"]

_log = structlog.get_logger(__name__)


class EngineSoundness:
    """Asks the canaries of one backend. Records that ask at the same time share one check."""

    def __init__(self, backend: str, check: Callable[[], Awaitable[None]]) -> None:
        """Put together.

        Args:
            backend: The only one that is doubted, as its errors name it; others have no canaries.
            check: Raises where the canaries fail or are not answered.
        """
        self._backend = backend
        self._check = check
        self._running: asyncio.Task[bool] | None = None

    async def is_sound(self, error: BackendProtocolError) -> bool:
        """Whether the backend that raised this answers its canaries, so that the record is to blame."""
        if error.backend != self._backend:
            return True
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._passes())
        # A record that is given up must not end the check for the others.
        return await asyncio.shield(self._running)

    async def _passes(self) -> bool:
        try:
            await self._check()
        except (BackendError, DeadlineExceeded, Overloaded) as error:
            _log.warning("nearline.canaries_failed", backend=self._backend, error=type(error).__name__)
            return False
        return True
