"""One process of a cluster: its files, its command, its readiness."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ops.kafka.java import Java
from ops.kafka.plan import HOST, ClusterPlan, NodePlan
from ops.kafka.probe import alive_brokers
from ops.kafka.properties import LOG4J_PROPERTIES, as_properties, server_properties
from ops.settings import environment_for
from ops.supervise import ChildSpec, check_port
from schemas.errors import BackendUnavailable

__all__ = ["Node"]

_FORMAT_TIMEOUT_S = 120
_START_TIMEOUT_S = 90
_STOP_TIMEOUT_S = 15


@dataclass(frozen=True, slots=True)
class Node:
    """A broker (and controller) with its folder.

    Attributes:
        plan: Of the whole cluster.
        node: Its part in it.
        folder: Its own; made by :meth:`prepare`.
        java: What it runs on.
        extra: Broker properties that win over ours.
        jvm_option: One more option of the JVM, in place of the class archive.
    """

    plan: ClusterPlan
    node: NodePlan
    folder: Path
    java: Java
    extra: Mapping[str, str] = field(default_factory=dict)
    jvm_option: str = ""

    @property
    def name(self) -> str:
        """For messages, and of its log."""
        return f"kafka-{self.node.node_id}"

    @property
    def log_file(self) -> Path:
        """What it writes."""
        return self.folder / "broker.log"

    @property
    def data(self) -> Path:
        """Its records."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Write its configuration; format its log directory where that is not done.

        Raises:
            BackendUnavailable: Kafka's storage tool refused.
        """
        shutil.rmtree(self._temporary, ignore_errors=True)  # left behind by a killed JVM
        self._temporary.mkdir(parents=True)
        self._log4j.write_text(LOG4J_PROPERTIES)
        values = {**server_properties(self.plan, self.node, self.data), **self.extra}
        self._properties.write_text(as_properties(values))
        stamp = self.folder / "formatted"
        if not stamp.exists():
            shutil.rmtree(self.data, ignore_errors=True)  # of a format that was interrupted
            self._format()
            stamp.write_text(f"{self.plan.cluster_id}\n")

    def spec(self) -> ChildSpec:
        """How to run it."""
        return ChildSpec(
            name=self.name,
            command=self.command("kafka.Kafka", str(self._properties)),
            environment=environment_for({}),
            ready_url=f"{HOST}:{self.node.port}",
            log_file=self.log_file,
            start_timeout_s=_START_TIMEOUT_S,
            stop_timeout_s=_STOP_TIMEOUT_S,
            probe=self.why_unready,
        )

    def why_unready(self) -> str | None:
        """None once it answers and counts as alive, else what is missing."""
        alive = alive_brokers(HOST, self.node.port)
        if self.node.node_id in alive:
            return None
        return f"knows brokers {sorted(alive)} only" if alive else f"no answer at {HOST}:{self.node.port}"

    def check_ports(self) -> None:
        """See that nobody took its ports while it was away.

        Raises:
            ConfigurationError: Somebody did.
        """
        for port in (self.node.port, self.node.controller_port):
            check_port(HOST, port, f"port of {self.name} in {str(self.folder.parent / 'cluster.json')!r}")

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _log4j(self) -> Path:
        return self.folder / "log4j2.properties"

    @property
    def _temporary(self) -> Path:
        return self.folder / "tmp"

    def command(self, main_class: str, *arguments: str) -> list[str]:
        """Command line that runs a class of Kafka with this node's settings."""
        return self.java.command(
            main_class, *arguments, log4j=self._log4j, temporary=self._temporary, extra=self.jvm_option
        )

    def _format(self) -> None:
        controllers = ("--initial-controllers", self.plan.initial_controllers)
        identity = ("--cluster-id", self.plan.cluster_id, "--config", str(self._properties))
        plain = replace(self, jvm_option="")  # that one is for the broker
        command = plain.command("kafka.tools.StorageTool", "format", *identity, *controllers)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise self._refused(f"not finished after {_FORMAT_TIMEOUT_S} s") from error
        if done.returncode:
            raise self._refused((done.stdout + done.stderr).strip() or f"exit code {done.returncode}")

    def _refused(self, why: str) -> BackendUnavailable:
        return BackendUnavailable(f"{str(self.data)!r} was not formatted: {why}", backend=self.name, operation="format")
