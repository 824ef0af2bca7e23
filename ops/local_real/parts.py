"""The parts of the stack: what each is, where it is, how it is started."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ops.kafka.cluster import plan_nodes
from ops.kafka.node import Node
from ops.kafka.probe import alive_brokers
from ops.local_real.daemon import Daemon
from ops.settings import PROJECT_ROOT, environment_for
from ops.standin import KvStandIn
from ops.supervise import ChildSpec, check_port

__all__ = ["Part", "PartRecord", "kafka_parts", "standin_part"]

_STANDIN_NOTE = "test equipment: a stand-in for Couchbase's key-value service, not Couchbase"
_STANDIN_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What `status` and `down` must know of a part; kept beside its pid file.

    Attributes:
        name: Of the part.
        address: For clients.
        ready_url: ``http:`` answers 200 when it can work; ``kafka://host:port/node`` answers Metadata naming the node.
        data: Its records.
        log: What it writes.
        stop_timeout_s: From SIGTERM to SIGKILL, seconds.
        note: What a reader must not take it for; empty: nothing.
    """

    name: str
    address: str
    ready_url: str
    data: str
    log: str
    stop_timeout_s: float
    note: str = ""

    def forget(self, folder: Path) -> None:
        """Remove it from a folder."""
        (folder / f"{self.name}.json").unlink(missing_ok=True)

    def write(self, folder: Path) -> None:
        """Keep it in a folder; readers see the old or the new one."""
        temporary = folder / f"{self.name}.json.new"
        temporary.write_text(json.dumps(asdict(self), indent=2))
        temporary.replace(folder / f"{self.name}.json")

    @classmethod
    def read_all(cls, folder: Path) -> "list[PartRecord]":
        """Those of a folder, brokers first: the order in which parts are stopped."""
        records = [cls(**json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
        return sorted(records, key=lambda record: not record.is_broker)

    @property
    def is_broker(self) -> bool:
        """Whether it is a node of Kafka."""
        return self.ready_url.startswith("kafka:")

    def daemon(self, folder: Path) -> Daemon:
        """A handle that can look at the process and stop it, not start it."""
        probe: Callable[[], str | None] | None = self._why_no_broker if self.is_broker else None
        spec = ChildSpec(
            self.name, [], {}, self.ready_url, Path(self.log), stop_timeout_s=self.stop_timeout_s, probe=probe
        )
        return Daemon(spec, folder / f"{self.name}.pid")

    def _why_no_broker(self) -> str | None:
        parts = urlsplit(self.ready_url)
        alive = alive_brokers(parts.hostname or "", parts.port or 0)
        return None if int(parts.path.strip("/")) in alive else f"{self.address} does not answer"


@dataclass(frozen=True, slots=True)
class Part:
    """A part that can be started.

    Attributes:
        record: What is kept of it.
        daemon: The process.
        prepare: What must be done before a start; the part must not run. Raises ConfigurationError, BackendError.
    """

    record: PartRecord
    daemon: Daemon
    prepare: Callable[[], None]


def kafka_parts(folder: Path, num_brokers: int) -> tuple[list[Part], str, str]:
    """The brokers.

    Returns:
        The parts, ``host:port[,...]`` for clients, and the cluster's id.

    Raises:
        ConfigurationError: Java or Maven is missing, or the folder has another number of brokers.
        BackendError: Kafka's jars cannot be had.
    """
    nodes = plan_nodes(folder / "kafka", num_brokers)
    plan = nodes[0].plan
    return [_kafka_part(folder, node) for node in nodes], plan.bootstrap, plan.cluster_id


def _kafka_part(folder: Path, node: Node) -> Part:
    spec = node.spec()

    def prepare() -> None:
        node.check_ports()
        node.prepare()

    record = PartRecord(
        name=node.name,
        address=spec.ready_url,
        ready_url=f"kafka://{spec.ready_url}/{node.node.node_id}",
        data=str(node.data),
        log=str(node.log_file),
        stop_timeout_s=spec.stop_timeout_s,
    )
    return Part(record, Daemon(spec, folder / f"{node.name}.pid"), prepare)


def standin_part(folder: Path) -> tuple[Part, KvStandIn]:
    """The store's part, and its description with account and bucket. The ports are those of its last start."""
    data = folder / "kv-stand-in"
    ports_file = data / "ports.json"
    data.mkdir(parents=True, exist_ok=True)
    ports = json.loads(ports_file.read_text()) if ports_file.exists() else {}
    standin = KvStandIn(data, **ports)
    ports = {"port": standin.port, "http_port": standin.http_port}
    temporary = ports_file.with_suffix(".new")
    temporary.write_text(json.dumps(ports))
    temporary.replace(ports_file)
    environment = environment_for({})
    search_path = (str(PROJECT_ROOT), environment.get("PYTHONPATH", ""))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, search_path))
    name = "kv-stand-in"
    spec = ChildSpec(
        name, standin.command, environment, standin.ready_url, standin.log_file, stop_timeout_s=_STANDIN_STOP_S
    )

    def prepare() -> None:
        for what, port in ports.items():
            check_port("127.0.0.1", port, f"{what} in {str(ports_file)!r}")

    record = PartRecord(
        name=name,
        address=f"127.0.0.1:{standin.port}",
        ready_url=standin.ready_url,
        data=str(data),
        log=str(standin.log_file),
        stop_timeout_s=spec.stop_timeout_s,
        note=_STANDIN_NOTE,
    )
    return Part(record, Daemon(spec, folder / f"{name}.pid"), prepare), standin
