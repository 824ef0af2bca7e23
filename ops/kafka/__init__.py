"""Apache Kafka on this machine, from jars alone: for `precis stack up`, the integration tests and the fault harness.

It needs Java 17 and, the first time, Maven: :mod:`ops.maven` fetches the jars of ``pom.xml`` and compares each
with ``jars.lock``. Every broker is a process with data, log and ports of its own, kept when it is killed and restarted.
"""

from ops.kafka.cluster import KafkaCluster

__all__ = ["KafkaCluster"]
