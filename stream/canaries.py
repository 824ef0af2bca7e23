"""The summarizer's canaries: at start, after an odd answer, and on a timer."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from models.bundle import Bundle
from models.clients.examination import examine_summarizer
from models.clients.ports import SummarizerEngine
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, PrecisError
from stream.config import NearlineConfig
from stream.health import Health
from stream.pause import Pause
from stream.telemetry import Telemetry

__all__ = ["CanaryWatch", "check_canaries"]

_RETRY_S = 5.0
"""Between two runs while the engine fails, in seconds."""

_log = structlog.get_logger(__name__)


async def check_canaries(
    engine: SummarizerEngine, bundle: Bundle, config: NearlineConfig, telemetry: Telemetry
) -> None:
    """The engine answers the bundle's canaries as it should, within the budget of one summary.

    Raises:
        BackendProtocolError: It does not. Waited for as well: the remedy is to restart the engine, not this service.
        BackendUnavailable: It cannot be reached.
    """
    deadline = Deadline.after(config.summary_budget_s)
    report = await examine_summarizer(engine, bundle, deadline=deadline, num_tokens=config.canary_tokens)
    if report.max_drift is not None:
        telemetry.canary_drift.set(report.max_drift)
    if not report.is_ok:
        telemetry.canary_failures.inc()
        raise BackendProtocolError("; ".join(report.problems), backend="summarizer", operation="canaries")


class CanaryWatch:
    """Runs the canaries on a timer, one request at a time beside the work.

    Two failures in a row make the service unready and pause its lanes: one odd answer must not stop it, and what a
    wrong model writes would stay in the store. The runs go on, so it recovers by itself. A run that the engine gave no
    answer to shows nothing about the model, and changes nothing: the lanes meet the same engine and wait for it.
    """

    def __init__(
        self,
        check: Callable[[], Awaitable[None]],
        *,
        health: Health,
        pause: Pause,
        interval_s: float,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Put together.

        Args:
            check: Raises ``BackendProtocolError`` where the canaries fail, another ``PrecisError`` without an answer.
            health: Is told why the engine may not be used.
            pause: Of the lanes.
            interval_s: Between two runs while the engine passes, in seconds, give or take a quarter.
            rng: Draws the quarter, so that workers do not ask in step.
            sleep: How to wait, in seconds.
        """
        self._check = check
        self._health = health
        self._pause = pause
        self._interval_s = interval_s
        self._rng = rng or random.Random()
        self._sleep = sleep
        self._num_failures = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            calm_s = self._interval_s * (0.75 + 0.5 * self._rng.random())
            await self._sleep(calm_s if self._num_failures == 0 else min(_RETRY_S, calm_s))
            await self._run_once()

    async def _run_once(self) -> None:
        try:
            await self._check()
        except BackendProtocolError as error:
            self._num_failures += 1
            _log.warning("nearline.canaries_failed", in_a_row=self._num_failures, reason=str(error))
            if self._num_failures > 1:
                self._health.unsound = str(error)
        except PrecisError as error:
            _log.info("nearline.canaries_unanswered", error=type(error).__name__)
        else:
            if self._health.unsound:
                _log.info("nearline.canaries_passed_again")
            self._num_failures, self._health.unsound = 0, ""
        if self._health.unsound:
            self._pause.prolong(2 * _RETRY_S)
