"""The arms of one scorer: follows the declaration, step by step (``serve.arms.lifecycle``), and chooses who serves."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from serve.arms.arm import Arm
from serve.arms.assignment import is_challengers
from serve.arms.declaration import ArmConfig, Declaration
from serve.arms.file import ArmsFile
from serve.arms.lifecycle import ArmFacts, Roles, next_step
from serve.background import BackgroundTasks
from serve.telemetry import Telemetry
from store.breaker_metrics import HasBreakers

__all__ = ["Fleet", "FleetTimes"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FleetTimes:
    """Times of a fleet, in seconds.

    Attributes:
        interval_s: Between two steps; a change of file or verification is seen after so long.
        retry_s: Before an arm that could not be opened is tried again.
        drain_limit_s: How long calls under way may hold up the close of an arm that has been replaced.
    """

    interval_s: float
    retry_s: float
    drain_limit_s: float


class Fleet:
    """Implements ``ArmSource``. Used from one event loop."""

    def __init__(
        self,
        declared: Declaration,
        *,
        file: ArmsFile | None,
        open_arm: Callable[[ArmConfig], Awaitable[Arm]],
        telemetry: Telemetry,
        times: FleetTimes,
    ) -> None:
        """Make one without arms: see :meth:`start`.

        Args:
            declared: Who is to serve.
            file: Where this may change; None: it does not.
            open_arm: Opens one; raises where its bundle or address does not fit.
            telemetry: Metrics.
            times: When things are done.
        """
        self.declared = declared
        self.file = file
        self.roles = Roles()
        self.problems: dict[ArmConfig, str] = {}
        self._open_arm = open_arm
        self._telemetry = telemetry
        self._times = times
        self._arms: dict[ArmConfig, Arm] = {}
        self._opening: dict[ArmConfig, asyncio.Task[None]] = {}
        self._closing = BackgroundTasks()
        self._exported: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the champion, then the others beside it, and go on following.

        Raises:
            ConfigurationError: The champion cannot be opened: there would be nothing to serve with.
        """
        champion = self.declared.champion
        self._arms[champion] = await self._open_arm(champion)
        self._telemetry.arm_opens.labels(champion.name, "opened").inc()
        self.settle()
        self._task = asyncio.get_running_loop().create_task(self._follow())

    @property
    def champion(self) -> Arm:
        """The arm in charge."""
        assert self.roles.champion is not None, "the fleet has not been started"
        return self._arms[self.roles.champion]

    @property
    def arms(self) -> Mapping[ArmConfig, Arm]:
        """Those that are open."""
        return self._arms

    @property
    def breaker_states(self) -> dict[str, str]:
        """Of the replicas of all open arms, see ``HasBreakers``."""
        engines = (arm.engine for arm in self._arms.values())
        return {
            name: state
            for engine in engines
            if isinstance(engine, HasBreakers)
            for name, state in engine.breaker_states.items()
        }

    def choose(self, query: str) -> Arm:
        """The arm that serves the query: never a challenger that is not verified.

        Args:
            query: Normalised.
        """
        challenger = self._challenger()
        if challenger is not None and is_challengers(query, salt=self.declared.salt, share=self.declared.share):
            return challenger
        return self.champion

    def _challenger(self) -> Arm | None:
        arm = self._arms.get(self.roles.challenger) if self.roles.challenger else None
        return arm if arm is not None and arm.is_verified else None

    def shadows(self) -> Sequence[tuple[Arm, float]]:
        """Arms that score a share of the champion's calls for comparison, with that share."""
        return [
            (arm, share)
            for config, share in self.declared.shadows
            if (arm := self._arms.get(config)) is not None and arm.is_verified and config != self.roles.champion
        ]

    def served_share(self, arm: Arm) -> float:
        """Share of the queries that the arm serves now."""
        challengers = self.declared.share if self._challenger() is not None else 0.0
        if arm is self._challenger():
            return challengers
        return 1.0 - challengers if arm is self.champion else 0.0

    async def _follow(self) -> None:
        while True:
            try:
                await self._read_file()
                self.settle()
            except Exception as error:  # noqa: BLE001 - this loop must outlive whatever a file or a client does
                _log.error("arms not followed", error=type(error).__name__, why=str(error))
            await asyncio.sleep(self._times.interval_s)

    async def _read_file(self) -> None:
        if self.file is None:
            return
        if (declared := await self.file.changed()) is not None:
            _log.info("arms declared", champion=declared.champion.name, arms=[arm.name for arm in declared.arms])
            self.declared = declared

    def settle(self) -> None:
        """One step towards the declaration. No await in it, so what is seen holds while it is acted on."""
        facts = {config: ArmFacts(arm.is_verified, arm.is_idle) for config, arm in self._arms.items()}
        now_s = time.monotonic()
        step = next_step(self.roles, self.declared, facts, now_s=now_s, drain_limit_s=self._times.drain_limit_s)
        if step.roles.champion != self.roles.champion and step.roles.champion is not None:
            before = self.roles.champion.name if self.roles.champion else None
            _log.info("champion in charge", arm=step.roles.champion.name, before=before)
            self._telemetry.arm_shifts.labels(step.roles.champion.name).inc()
        self.roles = step.roles
        for config in step.to_close:
            self._close_later(self._arms.pop(config))
        for config in step.to_open:
            if config not in self._opening:
                self._opening[config] = asyncio.get_running_loop().create_task(self._open(config))
        for config in self._opening.keys() - set(self.declared.arms):
            self._opening[config].cancel()
        self._export()

    async def _open(self, config: ArmConfig) -> None:
        try:
            arm = await self._open_arm(config)
        except Exception as error:  # noqa: BLE001 - whatever it is, the arms that serve go on
            if (why := str(error)) != self.problems.get(config):
                _log.warning("arm not opened", arm=config.name, error=type(error).__name__, why=why)
            self.problems[config] = why
            self._telemetry.arm_opens.labels(config.name, "failed").inc()
            await asyncio.sleep(self._times.retry_s)
        else:
            self._arms[config] = arm
            self.problems.pop(config, None)
            self._telemetry.arm_opens.labels(config.name, "opened").inc()
            self.settle()  # now, so that it has its role from the moment at which it is seen
        finally:
            self._opening.pop(config, None)
            if config not in self.declared.arms:
                self.problems.pop(config, None)

    def _close_later(self, arm: Arm) -> None:
        _log.info("arm closed", arm=arm.name, is_idle=arm.is_idle)
        self._closing.begin(arm.close())

    def _export(self) -> None:
        """Gauges of the open arms. Of two with one name, while one replaces the other, the one in charge is shown."""
        named = {arm.name: arm for arm in self._arms.values()}
        named |= {self.champion.name: self.champion} if self.roles.champion else {}
        telemetry = self._telemetry
        for name, arm in named.items():
            telemetry.in_flight_tokens.labels(name).set_function(arm.tokens_in_flight)
            telemetry.limit_tokens.labels(name).set_function(arm.tokens_limit)
            telemetry.speed.labels(name).set_function(arm.tokens_per_s)
            telemetry.depth_share.labels(name).set_function(arm.depth_share)
            telemetry.arm_verified.labels(name).set(arm.is_verified)
            telemetry.arm_share.labels(name).set(self.served_share(arm))
        for name in self._exported - named.keys():
            for gauge in (
                telemetry.in_flight_tokens,
                telemetry.limit_tokens,
                telemetry.speed,
                telemetry.depth_share,
                telemetry.arm_verified,
                telemetry.arm_share,
            ):
                gauge.remove(name)
        self._exported = set(named)
        telemetry.arms_file_ok.set(self.file is None or self.file.problem is None)

    async def close(self) -> None:
        """Stop following, close every arm. Idempotent."""
        tasks = [*([self._task] if self._task else []), *self._opening.values()]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for arm in self._arms.values():  # they stay known: a last call may still be answered with their failure
            self._close_later(arm)
        await self._closing.drain()
