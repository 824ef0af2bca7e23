"""Which ranker may be used: the one whose canaries passed.

A wrong template, a wrong tokenizer or a broken kernel changes scores and nothing else, so no error would show it.
Before the first score, and again whenever the engine reports another revision, the bundle's canaries are scored on
it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from schemas.errors import BackendUnavailable, PrecisError

__all__ = ["RevisionSource", "Verification"]

_log = structlog.get_logger(__name__)


class RevisionSource(Protocol):
    """What a scoring call asks about the ranker."""

    def current(self) -> str:
        """The verified revision.

        Raises:
            BackendUnavailable: There is none; the message says why.
        """
        ...

    def observe(self, revision: str) -> None:
        """The engine answered with this revision."""
        ...


class Verification:
    """Implements ``RevisionSource``: verifies in the background until it passes, and again for another revision."""

    def __init__(self, verify: Callable[[], Awaitable[str]], *, retry_s: float) -> None:
        """Make an unverified one; nothing runs before :meth:`start`.

        Args:
            verify: Scores the canaries, returns the engine's revision; raises ``PrecisError`` where they do not pass.
            retry_s: Pause after a failure, in seconds.
        """
        self._verify = verify
        self._retry_s = retry_s
        self._revision: str | None = None
        self._why_not = "the ranker's canaries have not been scored yet"
        self._observed: str | None = None
        self._is_wanted = asyncio.Event()
        self._is_wanted.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to verify in the background."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def current(self) -> str:
        """See ``RevisionSource.current``."""
        if self._revision is None:
            raise BackendUnavailable(self._why_not, backend="ranker", operation="verify")
        return self._revision

    def observe(self, revision: str) -> None:
        """See ``RevisionSource.observe``: another revision is verified; until then scores of it are not cached."""
        if self._revision is not None and revision not in {self._revision, self._observed}:
            _log.warning("ranker changed", verified=self._revision, observed=revision)
            self._observed = revision
            self._is_wanted.set()

    async def _run(self) -> None:
        while True:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            if not await self._attempt():
                self._is_wanted.set()
                await asyncio.sleep(self._retry_s)

    async def _attempt(self) -> bool:
        try:
            revision = await self._verify()
        except PrecisError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 - this loop must outlive whatever a client does
            why = f"unexpected {type(error).__name__}: {error}"
        else:
            self._revision, self._observed = revision, None
            _log.info("ranker verified", revision=revision)
            return True
        if why != self._why_not:
            _log.warning("ranker not verified", why=why)
        # A changed ranker that does not pass must not go on scoring in the name of the one that did.
        self._revision, self._why_not = None, why
        return False

    async def close(self) -> None:
        """Stop. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
