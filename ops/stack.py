"""What `precis up` runs: engines, nearline service and scorer as children of this process, on a broker and a store.

Embedded profile: the broker lives in this process, the store is a file. Local-real: both are of `precis stack up`.

Start order is the order of need: broker, engines (side by side), nearline service, scorer. Stop order is the reverse,
so that nothing is asked of a part that is gone.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from models.bundle import Role
from models.clients.canaries import TEXT_TOKENS, TOLERANCES
from ops.broker import EmbeddedBroker
from ops.engine.child import EngineChild, engine_child
from ops.rollout.restore import restore_embedded
from ops.runfile import RunFile, exclusive
from ops.settings import Settings, environment_for
from ops.supervise import Child, ChildSpec, check_port, free_port
from ops.topics import specs_of
from schemas.errors import BackendUnavailable

__all__ = ["EmbeddedStack"]

log = structlog.get_logger("precis.stack")

_HOST = "127.0.0.1"
_MAX_RESTARTS = 5
_RESTART_PAUSE_S = 1.0
# After its own limit the nearline service commits (5 s) and stops faust (10 s).
_STOP_MARGIN_S = 20.0
# Everything shares a laptop's cores here: a look-up of a file that takes 1 ms alone took 10 ms beside two engines.
_CACHE_BUDGET_S = 0.05


@dataclass(slots=True)
class _Restarts:
    count: int = 0
    not_before_s: float = 0.0


class EmbeddedStack:
    """Everything that `precis up` runs. Use as a context manager.

    Attributes:
        run: Addresses of the parts, once it is entered.
        broker: Of the embedded profile, once it is entered; None where broker and store are of `precis stack up`.
    """

    run: RunFile
    broker: EmbeddedBroker | None = None

    def __init__(self, settings: Settings, *, on_step: Callable[[str], None], starts_empty: bool = False) -> None:
        """Plan a stack.

        Args:
            settings: Of the profile embedded or local-real; ports are used where they are not 0.
            on_step: Told what is being waited for.
            starts_empty: Remove the store of an earlier run first.
        """
        self._starts_empty = starts_empty
        self._settings = settings
        self._on_step = on_step
        self._exits = ExitStack()
        self._children: list[Child] = []
        self._restarts: dict[str, _Restarts] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exits.close()

    def child(self, name: str) -> Child:
        """A part by name (``ranker-engine``, ``summarizer-engine``, ``nearline``, ``scorer``): to measure or hurt it.

        Whoever ends it starts it again before the next :meth:`check`.
        """
        return next(child for child in self._children if child.spec.name == name)

    def check(self) -> None:
        """Restart the nearline service where it has failed (it ends itself on what it cannot handle: DESIGN 4, I5).

        Raises:
            BackendUnavailable: Another child has ended, or the nearline service ends again and again.
        """
        for child in self._children:
            code = child.exit_code()
            if code is None:
                continue
            restarts = self._restarts.setdefault(child.spec.name, _Restarts())
            if child.spec.name != "nearline" or restarts.count >= _MAX_RESTARTS:
                raise BackendUnavailable(
                    f"ended with exit code {code}: see {str(child.spec.log_file)!r}",
                    backend=child.spec.name,
                    operation="run",
                )
            if time.monotonic() >= restarts.not_before_s:
                restarts.count += 1
                restarts.not_before_s = time.monotonic() + _RESTART_PAUSE_S * 2**restarts.count
                log.warning("stack.restart", child=child.spec.name, exit_code=code, restart=restarts.count)
                child.start()

    def _start(self) -> None:
        settings = self._settings
        self._exits.enter_context(exclusive(settings.data_dir))
        if self._starts_empty:  # only now: nobody else uses the directory
            for suffix in ("", "-wal", "-shm"):
                Path(f"{settings.sqlite_file}{suffix}").unlink(missing_ok=True)
        check_port(settings.scorer.host, settings.scorer.port, "scorer.port")
        check_port(settings.scorer.admin_host, settings.scorer.admin_port, "scorer.admin_port")
        check_port(_HOST, settings.nearline.metrics_port, "nearline.metrics_port")
        ports = {role: free_port() for role in Role}
        engines = {role: self._engine(role, ports[role]) for role in Role}
        bootstrap, log_id = self._broker()
        scorer_port = settings.scorer.port or free_port()
        self.run = RunFile(
            pid=os.getpid(),
            bootstrap=bootstrap,
            log_id=log_id,
            scorer_url=f"{settings.scorer_scheme}://{settings.scorer.host}:{scorer_port}",
            scorer_admin_url=f"http://{settings.scorer.admin_host}:{settings.scorer.admin_port or free_port()}",
            nearline_url=f"http://{_HOST}:{settings.nearline.metrics_port or free_port()}",
            summarizer_url=f"http://{_HOST}:{ports[Role.SUMMARIZER]}",
            ranker_url=f"http://{_HOST}:{ports[Role.RANKER]}",
        )
        self._run_children([engine.spec for engine in engines.values()])
        overrides = told_to_services(settings, self.run, engines)
        self._run_children([self._service("nearline", f"{self.run.nearline_url}/readyz", overrides)])
        self._run_children([self._service("scorer", f"{self.run.scorer_admin_url}/readyz", overrides)])
        self.run.write(settings.data_dir)

    def _broker(self) -> tuple[str, str]:
        settings = self._settings
        if settings.is_local_real:
            from ops.local_real import require_running  # the embedded profile does without

            require_running(settings)
            return settings.kafka.bootstrap, settings.kafka.log_id
        counts = {spec.name: spec.num_partitions for spec in specs_of(settings.topics)}
        self.broker = broker = self._exits.enter_context(EmbeddedBroker(counts))
        self._on_step("bringing back what the broker forgot")
        asyncio.run(restore_embedded(settings, broker.bootstrap))
        return broker.bootstrap, broker.log_id

    def _run_children(self, specs: Sequence[ChildSpec]) -> None:
        for spec in specs:
            child = Child(spec)
            self._children.append(child)
            self._exits.callback(child.stop)
        for child in self._children[-len(specs) :]:
            self._on_step(f"waiting for {child.spec.name}")
            child.wait_ready()

    def _engine(self, role: Role, port: int) -> EngineChild:
        log_file = self._log_file(f"{role}-engine")
        return engine_child(self._settings, role, host=_HOST, port=port, log_file=log_file)

    def _service(self, name: str, ready_url: str, overrides: dict[str, str]) -> ChildSpec:
        return ChildSpec(
            name=name,
            command=[sys.executable, "-m", "ops.cli", name],
            environment=environment_for(overrides),
            ready_url=ready_url,
            log_file=self._log_file(name),
            stop_timeout_s=self._settings.nearline.stop_timeout_s + _STOP_MARGIN_S,
        )

    def _log_file(self, name: str) -> Path:
        return self._settings.data_dir.resolve() / "logs" / f"{name}.log"


def told_to_services(settings: Settings, run: RunFile, engines: Mapping[Role, EngineChild]) -> dict[str, str]:
    """What the services are told beside the settings: addresses, bundles, the rules for the engines' precision.

    They read environment and file themselves, so what a command changed (the folder of a demo, its scale) is said here.

    Args:
        settings: Of the stack.
        run: Its addresses.
        engines: What serves.
    """
    tolerance = max(settings.scorer.canary_tolerance, TOLERANCES[engines[Role.RANKER].dtype])
    num_tokens = settings.nearline.canary_tokens or TEXT_TOKENS[engines[Role.SUMMARIZER].dtype]
    overrides = {
        "profile": "local-real" if settings.is_local_real else "external",  # the former brings the store's address
        "data_dir": str(settings.data_dir.resolve()),
        "store.sqlite_path": str(settings.sqlite_file.resolve()),
        "kafka.bootstrap": run.bootstrap,
        "kafka.log_id": run.log_id,
        "summarizer.url": run.summarizer_url,
        "summarizer.bundle": str(settings.summarizer.bundle.resolve()),
        "ranker.url": run.ranker_url,
        "ranker.bundle": str(settings.ranker.bundle.resolve()),
        "scorer.port": run.scorer_url.rsplit(":", 1)[1],
        "scorer.admin_port": run.scorer_admin_url.rsplit(":", 1)[1],
        "scorer.canary_tolerance": str(tolerance),
        "scorer.cache_budget_s": str(max(settings.scorer.cache_budget_s, _CACHE_BUDGET_S)),
        "nearline.metrics_port": run.nearline_url.rsplit(":", 1)[1],
    }
    return overrides if num_tokens is None else {**overrides, "nearline.canary_tokens": str(num_tokens)}
