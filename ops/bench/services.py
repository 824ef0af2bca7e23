"""The processes under measurement: the bench's engine, and the nearline service as `precis nearline` starts it."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from ops.bench.brokers import Broker
from ops.bench.engine import ServiceTime
from ops.settings import Settings, environment_for
from ops.supervise import Child, ChildSpec, free_port

__all__ = ["Services", "running_services"]

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Services:
    """What runs.

    Attributes:
        engine_url: The engine.
        nearline_urls: Metrics of each nearline worker.
    """

    engine_url: str
    nearline_urls: tuple[str, ...]

    def outcomes(self) -> dict[str, int]:
        """Records finished since the workers started, by outcome."""
        totals: Counter[str] = Counter()
        for url in self.nearline_urls:
            text = httpx.get(f"{url}/metrics", timeout=10, trust_env=False).raise_for_status().text
            for sample in (each for family in text_string_to_metric_families(text) for each in family.samples):
                if sample.name == "precis_nearline_records_total":
                    totals[sample.labels["outcome"]] += int(sample.value)
        return totals


@contextmanager
def running_services(
    settings: Settings, broker: Broker, service_time: ServiceTime, *, num_slots: int, num_workers: int, directory: Path
) -> Iterator[Services]:
    """Engine and nearline workers over one store of their own, until the block ends.

    Args:
        settings: Bundles, topics and limits.
        broker: Its topics are there.
        service_time: Of the engine.
        num_slots: Requests that the engine works on at the same time.
        num_workers: Nearline processes; they share the partitions.
        directory: Takes store and logs.

    Raises:
        BackendUnavailable: One did not start; the message has the end of its log.
    """
    engine_port, *worker_ports = [free_port() for _ in range(1 + num_workers)]
    services = Services(f"http://{_HOST}:{engine_port}", tuple(f"http://{_HOST}:{port}" for port in worker_ports))
    engine = [sys.executable, "-m", "ops.bench.engine_server", "--bundle", str(settings.summarizer.bundle)]
    engine += ["--port", str(engine_port), "--slots", str(num_slots)]
    engine += ["--mean-s", str(service_time.mean_s), "--sigma", str(service_time.sigma)]
    specs = [_spec("engine", engine, environment_for({}), f"{services.engine_url}/health", directory)]
    for number, port in enumerate(worker_ports):
        environment = environment_for(_overrides(settings, broker, services.engine_url, port, directory))
        command = [sys.executable, "-m", "ops.cli", "nearline"]
        specs.append(_spec(f"nearline-{number}", command, environment, f"http://{_HOST}:{port}/readyz", directory))
    with ExitStack() as exits:
        for spec in specs:
            child = Child(spec)
            exits.callback(child.stop)
            child.wait_ready()
        yield services


def _spec(name: str, command: list[str], environment: dict[str, str], ready_url: str, directory: Path) -> ChildSpec:
    log_file = directory / "logs" / f"{name}.log"
    return ChildSpec(name=name, command=command, environment=environment, ready_url=ready_url, log_file=log_file)


def _overrides(settings: Settings, broker: Broker, engine_url: str, port: int, directory: Path) -> dict[str, str]:
    return {
        "profile": "external",
        "data_dir": str(directory),
        "store.kind": "sqlite",
        "store.sqlite_path": str(directory / "store.sqlite"),
        "kafka.bootstrap": broker.bootstrap,
        "kafka.log_id": broker.log_id,
        "kafka.group": "precis-bench-nearline",
        "summarizer.url": engine_url,
        "summarizer.bundle": str(settings.summarizer.bundle),
        "ranker.url": engine_url,
        "ranker.bundle": str(settings.ranker.bundle),
        "nearline.max_in_flight": str(settings.nearline.max_in_flight),
        "nearline.window": str(settings.nearline.window),
        "nearline.metrics_port": str(port),
        "nearline.metrics_host": _HOST,
        "log_level": settings.log_level,
    }
