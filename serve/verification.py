"""Which ranker may be used: the one whose canaries passed.

A wrong template, a wrong tokenizer or a broken kernel changes scores and nothing else, so no error would show it.
Before the first score, again whenever the engine reports another revision, and on a timer, the bundle's canaries are
scored on it.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from schemas.errors import BackendUnavailable, PrecisError

__all__ = ["CanariesFailed", "RevisionSource", "Verification"]

_log = structlog.get_logger(__name__)


class RevisionSource(Protocol):
    """What a scoring call asks about the ranker."""

    def current(self) -> str:
        """The verified revision.

        Raises:
            BackendUnavailable: There is none; the message says why.
        """
        ...

    @property
    def why_not(self) -> str | None:
        """Why there is no verified revision; None where there is one."""
        ...

    def observe(self, revision: str) -> None:
        """The engine answered with this revision."""
        ...


class CanariesFailed(BackendUnavailable):
    """The engine answered the canaries, and not as the reference did."""

    def __init__(self, problems: str) -> None:
        super().__init__(problems, backend="ranker", operation="canaries")


class Verification:
    """Implements ``RevisionSource``: verifies in the background until it passes, and again for another revision.

    A ranker that passed is verified on a timer too: weights, kernels and whatever stands between may change under one
    revision. There a failure takes the permission away when the next run, a moment later, fails as well: one odd answer
    must not stop a service. A run without an answer shows nothing about the model, and changes nothing. While the
    permission is gone the runs go on, so it comes back by itself.
    """

    def __init__(
        self,
        verify: Callable[[], Awaitable[str]],
        *,
        retry_s: float,
        interval_s: float = math.inf,
        rng: random.Random | None = None,
    ) -> None:
        """Make an unverified one; nothing runs before :meth:`start`.

        Args:
            verify: Scores the canaries, returns the engine's revision; raises ``CanariesFailed`` where they do not
                pass, another ``PrecisError`` where the engine gave no answer.
            retry_s: Pause after a failure, in seconds.
            interval_s: Between two runs while it passes, in seconds, give or take a quarter; infinite: no timer.
            rng: Draws the quarter, so that scorers do not ask in step.
        """
        self._verify = verify
        self._retry_s = retry_s
        self._interval_s = interval_s
        self._rng = rng or random.Random()
        self._revision: str | None = None
        self._why_not = "the ranker's canaries have not been scored yet"
        self._observed: str | None = None
        self._is_suspect = False
        self._is_wanted = asyncio.Event()
        self._is_wanted.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to verify in the background."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def why_not(self) -> str | None:
        """See ``RevisionSource.why_not``."""
        return self._why_not if self._revision is None else None

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
            await self._until_wanted()
            self._is_wanted.clear()
            if not await self._attempt():
                self._is_wanted.set()
                await asyncio.sleep(self._retry_s)

    async def _until_wanted(self) -> None:
        """Until a run is asked for, or the interval is over."""
        jittered_s = self._interval_s * (0.75 + 0.5 * self._rng.random())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(jittered_s) else jittered_s):
                await self._is_wanted.wait()

    async def _attempt(self) -> bool:
        """One run. False: it is to be repeated soon."""
        is_judged = False
        try:
            revision = await self._verify()
        except PrecisError as error:
            why, is_judged = str(error), isinstance(error, CanariesFailed)
        except Exception as error:  # noqa: BLE001 - this loop must outlive whatever a client does
            why = f"unexpected {type(error).__name__}: {error}"
        else:
            if revision != self._revision or self._is_suspect:
                _log.info("ranker verified", revision=revision)
            self._revision, self._observed, self._is_suspect, self._why_not = revision, None, False, ""
            return True
        if why != self._why_not:
            _log.warning("ranker not verified", why=why)
        self._why_not = why
        if self._revision is None or self._observed is not None or (is_judged and self._is_suspect):
            # A changed ranker that does not pass must not go on scoring in the name of the one that did.
            self._revision = None
            return False
        self._is_suspect = self._is_suspect or is_judged
        return not self._is_suspect

    async def close(self) -> None:
        """Stop. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
