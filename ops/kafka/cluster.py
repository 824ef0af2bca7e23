"""A cluster of one or three brokers that this process owns: it dies with it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.kafka.archive import ensure_archive
from ops.kafka.jars import kafka_jars
from ops.kafka.java import find_java
from ops.kafka.node import Node
from ops.kafka.plan import load_or_make_plan
from ops.maven.jars import fetched
from ops.settings import environment_cache
from ops.supervise import Child

__all__ = ["KafkaCluster", "plan_nodes", "prepare"]


class KafkaCluster:
    """Apache Kafka on this machine. Use as a context manager.

    Start and restart it in the main thread: the kernel ends a broker with the thread that started it.

    One broker is node 0. Three are nodes 0 to 2, each broker and controller, with three replicas and two in sync of all
    that Kafka makes for itself; topics for it should have three replicas too. All of it listens on this machine alone.

    Attributes:
        bootstrap: ``host:port[,host:port]`` that clients connect to; the same after every restart.
        log_id: The cluster's id: offsets of two clusters must never be compared (``schemas.documents.Origin``).
    """

    bootstrap: str
    log_id: str

    def __init__(self, data_dir: Path, *, num_brokers: int = 1, properties: Mapping[str, str] | None = None) -> None:
        """Plan a cluster; nothing runs yet.

        Args:
            data_dir: Of this cluster alone; what an earlier one left there is gone on with, records and ports included.
            num_brokers: 1 or 3; that of the directory, where it has one.
            properties: Of the brokers, winning over ours.

        Raises:
            ConfigurationError: The number is not offered, or not the directory's.
        """
        self._data_dir = data_dir.resolve()
        self._properties = dict(properties or {})
        self._plan = load_or_make_plan(self._data_dir, num_brokers)
        self._nodes: tuple[Node, ...] = ()
        self._children: list[Child] = []
        self._killed: set[int] = set()
        self.bootstrap = self._plan.bootstrap
        self.log_id = self._plan.cluster_id

    def start(self) -> None:
        """Start all brokers and wait until each works. The first time ever on a machine the jars are fetched.

        Raises:
            ConfigurationError: Java or Maven is missing, or somebody took a port while the cluster was away.
            BackendError: The jars cannot be had, or a broker did not start; the message has the end of its log.
        """
        self._nodes = plan_nodes(self._data_dir, len(self._plan.nodes), properties=self._properties)
        prepare(self._nodes)
        try:
            for node in self._nodes:
                node.check_ports()
                self._children.append(Child(node.spec()))
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """SIGTERM to all, and SIGKILL to what still runs after 15 s. Idempotent; :meth:`start` starts it again."""
        if self._children:
            with ThreadPoolExecutor(len(self._children)) as pool:  # together: the last ones cannot outvote the gone
                list(pool.map(Child.stop, self._children))
        self._children.clear()
        self._killed.clear()

    def kill(self, broker: int = 0) -> None:
        """SIGKILL one broker. Its data and ports stay as they are."""
        self._children[broker].kill()
        self._killed.add(broker)

    def restart(self, broker: int = 0, *, wait: bool = True) -> None:
        """Start one broker again, on its data and ports; where it still runs it is stopped first.

        Args:
            broker: Which one.
            wait: Until it works. An asyncio program says False here, and awaits :meth:`wait_ready` in a thread.

        Raises:
            BackendUnavailable: It did not start.
        """
        child = self._children[broker]
        child.stop()
        self._nodes[broker].prepare()
        child.start()
        self._killed.discard(broker)
        if wait:
            child.wait_ready()

    def wait_ready(self) -> None:
        """Wait until every broker that was not killed works. Safe in another thread.

        Raises:
            BackendUnavailable: One has ended, or is not ready after 90 s.
        """
        for broker, child in enumerate(self._children):
            if broker not in self._killed:
                child.wait_ready()

    def is_ready(self, broker: int = 0) -> bool:
        """Whether a broker works now; asks it, for at most 2 s."""
        return self._nodes[broker].why_unready() is None

    @property
    def pids(self) -> tuple[int, ...]:
        """Process id of each broker; of one that was killed, its last one."""
        return tuple(child.pid for child in self._children)

    @property
    def log_files(self) -> tuple[Path, ...]:
        """What each broker writes."""
        return tuple(self._data_dir / f"broker-{node.node_id}" / "broker.log" for node in self._plan.nodes)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def plan_nodes(data_dir: Path, num_brokers: int, *, properties: Mapping[str, str] | None = None) -> tuple[Node, ...]:
    """The brokers of a directory, on Java and jars that are there when this returns.

    Raises:
        ConfigurationError: Java or Maven is missing, or the number of brokers is not the directory's.
        BackendError: The jars cannot be had.
    """
    plan = load_or_make_plan(data_dir, num_brokers)
    java = ensure_archive(find_java(fetched(environment_cache(), kafka_jars())))
    return tuple(
        Node(plan, part, data_dir.resolve() / f"broker-{part.node_id}", java, dict(properties or {}))
        for part in plan.nodes
    )


def prepare(nodes: Sequence[Node]) -> None:
    """:meth:`ops.kafka.node.Node.prepare` of brokers that do not run. Raises as that does."""
    with ThreadPoolExecutor(len(nodes)) as pool:  # formatting is one JVM each
        list(pool.map(Node.prepare, nodes))
