"""The broker of a run, started for it and gone with it: Apache Kafka as jars, or the embedded one."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ops.settings import PROJECT_ROOT, Topics

__all__ = ["Broker", "BrokerKind", "kafka_version", "running_broker"]

# Each partition of the embedded broker keeps 5 MiB; a phase publishes some 15 MB of updates at once.
_EMBEDDED_PARTITIONS = 16


class BrokerKind(StrEnum):
    """Which broker."""

    KAFKA = "kafka"
    """Apache Kafka, one broker: needs Java, and Maven the first time."""
    EMBEDDED = "embedded"
    """librdkafka's mock cluster in this process."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is.

    Attributes:
        bootstrap: ``host:port``.
        log_id: Identity of its log.
    """

    bootstrap: str
    log_id: str


@contextmanager
def running_broker(kind: BrokerKind, topics: Topics, directory: Path) -> Iterator[Broker]:
    """A broker with the topics of the service, until the block ends.

    Args:
        kind: Which one.
        topics: Names; the number of partitions goes for Kafka.
        directory: Takes its data and logs.

    Raises:
        ConfigurationError: Java or Maven is missing.
        BackendError: It did not start.
    """
    from ops.topics import specs_of
    from stream.topics import create_topics

    if kind is BrokerKind.EMBEDDED:
        from ops.broker import EmbeddedBroker

        specs = specs_of(topics.model_copy(update={"num_partitions": _EMBEDDED_PARTITIONS}))
        with EmbeddedBroker({spec.name: spec.num_partitions for spec in specs}) as embedded:
            yield Broker(embedded.bootstrap, embedded.log_id)
        return
    from ops.kafka import KafkaCluster

    with KafkaCluster(directory / "kafka") as cluster:
        asyncio.run(create_topics(cluster.bootstrap, specs_of(topics)))
        yield Broker(cluster.bootstrap, cluster.log_id)


def kafka_version() -> str:
    """Version of Apache Kafka that the jars' lock names."""
    found = re.search(r"kafka-clients-([0-9.]+)\.jar", (PROJECT_ROOT / "ops" / "kafka" / "jars.lock").read_text())
    return found.group(1) if found else "unknown"
