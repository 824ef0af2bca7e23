"""Making the archive of loaded classes: one broker is started and stopped for it, once a machine."""

import tempfile
from pathlib import Path

import structlog

from ops.kafka.java import Java, archive_name, require_version
from ops.kafka.node import Node
from ops.kafka.plan import load_or_make_plan
from ops.made_once import held
from ops.supervise import Child

__all__ = ["ensure_archive"]

log = structlog.get_logger("precis.kafka")


def ensure_archive(java: Java) -> Java:
    """The same Java with an archive of Kafka's classes, made where this build of Java has none.

    Where it cannot be made brokers start without, a few seconds slower; it is not tried again.

    Raises:
        ConfigurationError: This Java is too old for Kafka.
        BackendUnavailable: A broker does not start with it.
    """
    name = archive_name(java.program)
    refused = java.jars / f"{name}.refused"
    if java.archive is None and not refused.exists():
        with held(java.jars / ".archive.lock"):
            if not (java.jars / name).is_file() and not refused.exists():
                _make(java, java.jars / name, refused)
    return java.with_archive()


def _make(java: Java, archive: Path, refused: Path) -> None:
    require_version(java.program)
    with tempfile.TemporaryDirectory(prefix="precis-kafka-") as folder:
        made = Path(folder) / archive.name
        plan = load_or_make_plan(Path(folder), 1)
        node = Node(plan, plan.nodes[0], Path(folder) / "broker", java, jvm_option=f"-XX:ArchiveClassesAtExit={made}")
        node.prepare()
        child = Child(node.spec())
        try:
            child.wait_ready()
        finally:
            child.stop()  # writes it
        if made.is_file():
            temporary = archive.with_suffix(".new")
            temporary.write_bytes(made.read_bytes())
            temporary.replace(archive)
        else:
            log.warning("kafka.no_class_archive", java=str(java.program), log=node.log_file.read_text()[-500:])
            refused.touch()
