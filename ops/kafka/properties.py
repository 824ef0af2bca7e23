"""The configuration of a broker and of its log, as text."""

from collections.abc import Mapping
from pathlib import Path

from ops.kafka.plan import HOST, ClusterPlan, NodePlan

__all__ = ["LOG4J_PROPERTIES", "as_properties", "server_properties"]

LOG4J_PROPERTIES = """\
status = warn
shutdownHook = disable
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} - %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""
"""Standard output only: the process that starts the broker decides which file that is."""


def server_properties(plan: ClusterPlan, node: NodePlan, log_dir: Path) -> dict[str, str]:
    """What ``server.properties`` of one node says.

    Args:
        plan: The whole cluster.
        node: Of it.
        log_dir: Where this node keeps its records.
    """
    replicas = str(len(plan.nodes))
    min_isr = str(min(2, len(plan.nodes)))
    return {
        **_identity(plan, node, log_dir),
        "default.replication.factor": replicas,
        "min.insync.replicas": min_isr,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": min_isr,
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": min_isr,
        "share.coordinator.state.topic.num.partitions": "1",
        # A name that is asked for is not a topic that is wanted.
        "auto.create.topics.enable": "false",
        # A killed broker is let in again when its old registration has expired: 2 s instead of 9. With 1 s a machine
        # that is eight times overloaded fenced a broker that was well.
        "broker.heartbeat.interval.ms": "250",
        "broker.session.timeout.ms": "2000",
        # A first member need not wait for others, and tests may use sessions of 2 s.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # Compaction within seconds rather than a quarter of a minute, in little memory.
        "log.cleaner.backoff.ms": "2000",
        "log.cleaner.dedupe.buffer.size": "8388608",
    }


def _identity(plan: ClusterPlan, node: NodePlan, log_dir: Path) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.node_id),
        "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "controller.quorum.bootstrap.servers": ",".join(f"{HOST}:{each.controller_port}" for each in plan.nodes),
        "log.dirs": str(log_dir),
    }


def as_properties(values: Mapping[str, str]) -> str:
    """Java's properties format, which reads a backslash as an escape."""
    return "".join(f"{name}={value.replace(chr(92), 2 * chr(92))}\n" for name, value in values.items())
