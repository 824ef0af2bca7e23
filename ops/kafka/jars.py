"""The jars that a broker runs from."""

from pathlib import Path

from ops.maven.jars import Jars
from ops.maven.lock import JarLock

__all__ = ["kafka_jars"]

_HERE = Path(__file__).resolve().parent


def kafka_jars() -> Jars:
    """As the files beside this one say."""
    lock = JarLock.parse((_HERE / "jars.lock").read_text())
    return Jars("kafka", "the jars of Apache Kafka", _HERE / "pom.xml", lock)
