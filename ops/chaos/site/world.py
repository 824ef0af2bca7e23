"""The processes of one segment: engine, nearline workers, scorer, kept up on a site."""

import asyncio
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from ops.chaos.bundles import Bundles
from ops.chaos.engine.moods import Mood, Orders
from ops.chaos.keeper import Keeper
from ops.chaos.launch.clock import write_shift
from ops.chaos.mutants import Mutant
from ops.chaos.site.ports import Site
from ops.settings import PROJECT_ROOT, environment_for
from ops.supervise import ChildSpec, free_port

__all__ = ["ENGINE", "SCORER", "WORKER", "Death", "World"]

ENGINE, SCORER, WORKER = "engine", "scorer", "nearline"

_PAUSE_S = 0.6
_READY_LIMIT_S = 90.0
_SERVICE_S = 0.25
_STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Death:
    """Where a worker kills itself; see ``launch.steps.die_at``.

    Attributes:
        step: Before it, or with ``:after`` behind the name, when it is done.
        about: Job that the step is done for; of a commit, the topic.
        call: Which of these calls, from 1.
    """

    step: str
    about: str
    call: int = 1

    @property
    def options(self) -> tuple[str, ...]:
        """For ``python -m ops.chaos.launch``."""
        return ("--die-at", self.step, "--die-about", self.about, "--die-at-call", str(self.call))


class World:
    """Everything that a fault can hit.

    Attributes:
        site: Broker and store.
        keeper: Its processes: ``engine``, ``scorer``, ``nearline-1``...
        scorer_url: Where the scorer answers.
        group: Consumer group of the workers.
    """

    def __init__(self, site: Site, *, directory: Path, bundles: Bundles, mutant: Mutant | None, seed: int) -> None:
        """Plan; nothing runs yet.

        Args:
            site: Broker and store.
            directory: For files and logs.
            bundles: Of the engine.
            mutant: Step to break, or None.
            seed: Of the engine's times; also makes the group's name this segment's own.
        """
        self.site = site
        self.keeper = Keeper()
        self.group = f"chaos-nearline-{seed}"
        self._directory = directory
        self._bundles = bundles
        self._mutant = mutant
        self._seed = seed
        self._clock = directory / "clock"
        write_shift(self._clock, 0.0)
        self._engine_url = f"http://127.0.0.1:{free_port()}"
        self.scorer_url = f"http://127.0.0.1:{free_port()}"
        self._metrics: dict[str, str] = {}
        self._num_workers = 0
        self._client = httpx.AsyncClient(trust_env=False, timeout=2.0)

    async def start(self) -> None:
        """Start all processes and wait until they are ready."""
        self.start_engine()
        for _ in range(self.site.num_workers):
            self.add_worker()
        self.keeper.start(self._scorer_spec())
        await self.wait_up()

    def start_engine(self) -> None:
        """Start the engine alone."""
        self.keeper.start(self._engine_spec())

    async def stop(self) -> None:
        """End all processes."""
        self.keeper.stop()
        await self._client.aclose()

    async def wait_up(self) -> None:
        """Wait until every process that no fault holds down is ready."""
        await self.keeper.wait_up(limit_s=_READY_LIMIT_S)

    def workers(self) -> list[str]:
        """Names of the nearline workers."""
        return self.keeper.names(WORKER)

    def add_worker(self, *, death: Death | None = None) -> str:
        """Start one more nearline worker.

        Args:
            death: Where it kills itself; None: nowhere.

        Returns:
            Its name.
        """
        self._num_workers += 1
        name = f"{WORKER}-{self._num_workers}"
        url = f"http://127.0.0.1:{free_port()}"
        self._metrics[name] = f"{url}/metrics"
        spec = self._service_spec(name, WORKER, url, {"nearline.metrics_port": _port(url)})
        self.keeper.start(replace(spec, command=[*spec.command, *(death.options if death else ())]))
        return name

    async def order(self, mood: Mood, *, service_s: float = _SERVICE_S) -> None:
        """Tell the engine how to behave."""
        orders = Orders(mood=mood, service_s=service_s)
        answer = await self._client.post(f"{self._engine_url}/orders", json=orders.model_dump(mode="json"))
        answer.raise_for_status()

    async def in_flight(self) -> float:
        """Records at work in all workers, by their own metrics; a worker that does not answer counts as idle."""
        return await self.sample("in_flight")

    async def sample(self, name: str, *, of: str = "") -> float:
        """A metric of the workers, summed over its labels; a worker that does not answer counts as 0.

        Args:
            name: Without ``precis_nearline_``; with labels in braces, as they are exported, only those.
            of: One worker; empty for all.
        """
        return sum(await asyncio.gather(*(self._sample(name, worker) for worker in ([of] if of else self.workers()))))

    def shift_clock(self, shift_s: float) -> None:
        """Let workers and scorer believe that it is so many seconds later."""
        write_shift(self._clock, shift_s)

    async def _sample(self, name: str, worker: str) -> float:
        try:
            answer = await self._client.get(self._metrics[worker], timeout=0.5)
        except httpx.HTTPError:
            return 0.0
        pattern = rf"^precis_nearline_{re.escape(name)}(?:\{{[^}}]*\}})? ([0-9.e+-]+)$"
        return sum(float(value) for value in re.findall(pattern, answer.text, re.MULTILINE))

    def _engine_spec(self) -> ChildSpec:
        options = {
            "--port": _port(self._engine_url),
            "--tokenizer": str(self._bundles.summarizer / "tokenizer.json"),
            "--service-s": str(_SERVICE_S),
            "--seed": str(self._seed),
        }
        return ChildSpec(
            name=ENGINE,
            command=[sys.executable, "-m", "ops.chaos.engine", *(word for pair in options.items() for word in pair)],
            environment=self._environment({}),
            ready_url=f"{self._engine_url}/health",
            log_file=self._directory / "engine.log",
        )

    def _scorer_spec(self) -> ChildSpec:
        return self._service_spec(
            SCORER, SCORER, self.scorer_url, {"nearline.metrics_port": "0", "scorer.admin_port": "0"}
        )

    def _service_spec(self, name: str, service: str, url: str, overrides: dict[str, str]) -> ChildSpec:
        command = [sys.executable, "-m", "ops.chaos.launch", service, "--clock", str(self._clock)]
        command += ["--pause-s", str(_PAUSE_S)]
        if self._mutant is not None:
            command += ["--mutant", self._mutant]
        return ChildSpec(
            name=name,
            command=command,
            environment=self._environment(self._settings() | overrides),
            ready_url=f"{url}/readyz",
            log_file=self._directory / f"{name}.log",
        )

    def _settings(self) -> dict[str, str]:
        site, topics = self.site, self.site.topics
        names = {f"topics.{field}": str(value) for field, value in topics.model_dump().items()}
        return {
            "profile": "external",
            "data_dir": str(self._directory),
            "kafka.bootstrap": site.bootstrap,
            "kafka.log_id": site.log_id,
            "kafka.group": self.group,
            "kafka.session_timeout_s": str(site.session_timeout_s),
            "summarizer.url": self._engine_url,
            "summarizer.bundle": str(self._bundles.summarizer),
            "ranker.url": self._engine_url,
            "ranker.bundle": str(self._bundles.ranker),
            "scorer.port": _port(self.scorer_url),
            "scorer.cache_budget_s": "0.1",
            "nearline.window": "64",
            "nearline.summary_budget_s": "4",  # shorter than some outages: fallbacks are part of the run
            "nearline.stop_timeout_s": str(_STOP_TIMEOUT_S),
            **names,
            **site.overrides,
        }

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        environment = environment_for(settings)
        own = {"PYTHONPATH": str(PROJECT_ROOT), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        return {**environment, **own}


def _port(url: str) -> str:
    return url.rsplit(":", 1)[1]
