"""What a cluster is, decided once and kept in its data directory: identity, ports, folders."""

import base64
import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from ops.ports import lasting_ports
from schemas.errors import ConfigurationError

__all__ = ["HOST", "ClusterPlan", "NodePlan", "kafka_uuid", "load_or_make_plan", "planned_size"]

HOST = "127.0.0.1"
"""Where all of it listens: nobody else's machine can reach it."""

_FILE = "cluster.json"
_SIZES = (1, 3)


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One process: broker and controller.

    Attributes:
        node_id: 0 for the first.
        port: Clients connect here.
        controller_port: Other nodes connect here.
        directory_id: Identity of its log directory, which the first set of controllers is made of.
    """

    node_id: int
    port: int
    controller_port: int
    directory_id: str


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """One or three nodes.

    Attributes:
        cluster_id: Identity of the log: offsets mean something within it only.
        nodes: By id.
    """

    cluster_id: str
    nodes: tuple[NodePlan, ...]

    @property
    def bootstrap(self) -> str:
        """``host:port[,host:port]`` for clients."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    @property
    def initial_controllers(self) -> str:
        """As Kafka's storage tool takes it."""
        return ",".join(f"{node.node_id}@{HOST}:{node.controller_port}:{node.directory_id}" for node in self.nodes)


def kafka_uuid() -> str:
    """A new id in Kafka's form: 22 characters of base64url that do not look like an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text


def load_or_make_plan(data_dir: Path, num_brokers: int) -> ClusterPlan:
    """The plan of a data directory; made and written where it has none.

    Raises:
        ConfigurationError: The number of brokers is not 1 or 3, or another one than the directory's.
    """
    if num_brokers not in _SIZES:
        raise ConfigurationError(f"a cluster of {num_brokers!r} brokers is not offered: choose 1 or 3")
    file = data_dir / _FILE
    kept = _read(data_dir)
    if kept is None:
        data_dir.mkdir(parents=True, exist_ok=True)
        plan = _new_plan(num_brokers)
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(plan), indent=2))
        temporary.replace(file)
        return plan
    if len(kept.nodes) != num_brokers:
        raise ConfigurationError(
            f"{str(data_dir)!r} holds a cluster of {len(kept.nodes)} brokers and {num_brokers} are asked for: "
            "ask for as many as it has, or remove the directory to begin anew"
        )
    return kept


def planned_size(data_dir: Path) -> int | None:
    """Number of brokers of a data directory; None where it has no cluster yet."""
    plan = _read(data_dir)
    return len(plan.nodes) if plan else None


def _read(data_dir: Path) -> ClusterPlan | None:
    file = data_dir / _FILE
    if not file.exists():
        return None
    kept = json.loads(file.read_text())
    return ClusterPlan(kept["cluster_id"], tuple(NodePlan(**node) for node in kept["nodes"]))


def _new_plan(num_brokers: int) -> ClusterPlan:
    ports = lasting_ports(2 * num_brokers)
    nodes = (
        NodePlan(node_id, ports[2 * node_id], ports[2 * node_id + 1], kafka_uuid()) for node_id in range(num_brokers)
    )
    return ClusterPlan(kafka_uuid(), tuple(nodes))
