"""Starting, stopping and looking at the stack."""

import asyncio
import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ops.kafka.plan import planned_size
from ops.local_real.daemon import stop_all
from ops.local_real.parts import Part, PartRecord, kafka_parts, standin_part
from ops.services import create_topics, init_store
from ops.settings import STACK_FILE, Settings, load_settings
from ops.standin import KvStandIn
from schemas.errors import BackendUnavailable, ConfigurationError

__all__ = ["Change", "PartStatus", "Stack", "require_running"]

Change = Literal["started", "running"]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """How a part is.

    Attributes:
        record: What it is and where.
        pid: Process id; None: it does not run.
        problem: Why it cannot work although it runs; empty otherwise.
    """

    record: PartRecord
    pid: int | None
    problem: str

    @property
    def state(self) -> Literal["running", "not ready", "stopped"]:
        """In a word."""
        if self.pid is None:
            return "stopped"
        return "not ready" if self.problem else "running"


class Stack:
    """The one stack of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        """Name it; nothing is touched.

        Args:
            data_dir: ``settings.data_dir``; everything lies in its folder ``stack`` but the run file, ``stack.json``.
        """
        self._data_dir = data_dir.resolve()
        self.folder = self._data_dir / "stack"

    def up(self, num_brokers: int | None, *, on_step: Callable[[str], None]) -> dict[str, Change]:
        """Start what does not run, wait until it works, make topics and collections, write the run file.

        Where it fails or is interrupted, what this call started is stopped again.

        Args:
            num_brokers: 1 or 3; None: as many as the directory has, 1 in a new one.
            on_step: Told what is being waited for.

        Returns:
            Part -> whether it was started now or ran already.

        Raises:
            ConfigurationError: Something is missing on this machine, or contradicts what the directory holds.
            BackendError: A part did not start, or refused topics or collections.
        """
        with self._exclusive():
            on_step("looking for Java and Kafka's jars (fetched once, 44 MB)")
            brokers, bootstrap, log_id = kafka_parts(
                self.folder, num_brokers or planned_size(self.folder / "kafka") or 1
            )
            standin, store = standin_part(self.folder)
            parts = [*brokers, standin]
            self._drop_others(parts)  # of a cluster whose directory was removed
            fresh = [part for part in parts if part.daemon.pid() is None]
            try:
                self._start(parts, fresh, on_step)
                on_step("making topics and collections")
                kafka = {"bootstrap": bootstrap, "log_id": log_id}
                topics = {"replication_factor": len(brokers)}
                self._write_run_file({"kafka": kafka, "topics": topics, "store": _store_settings(store)})
                settings = load_settings(profile="local-real", data_dir=self._data_dir)
                asyncio.run(_provision(settings))
            except BaseException:
                stop_all([part.daemon for part in fresh])
                if len(fresh) == len(parts):
                    self.run_file.unlink(missing_ok=True)
                raise
        return {part.record.name: "started" if part in fresh else "running" for part in parts}

    def down(self) -> list[str]:
        """Stop everything in order: brokers together, then the store. Data and ports are kept.

        Returns:
            Names of parts that did not stop in time and were killed.

        Raises:
            BackendUnavailable: A part does not end at all.
        """
        with self._exclusive():
            self.run_file.unlink(missing_ok=True)
            records = PartRecord.read_all(self.folder)
            killed = []
            for are_brokers in (True, False):
                killed += stop_all([r.daemon(self.folder) for r in records if r.is_broker is are_brokers])
        return killed

    def status(self) -> list[PartStatus]:
        """How each part is, asked now; empty where there never was a stack."""
        return [self._status_of(record) for record in PartRecord.read_all(self.folder)]

    @property
    def longest_stop_s(self) -> float:
        """What :meth:`down` may take, seconds."""
        records = PartRecord.read_all(self.folder)
        return sum(
            max((r.stop_timeout_s for r in records if r.is_broker is are_brokers), default=0.0)
            for are_brokers in (True, False)
        )

    @property
    def run_file(self) -> Path:
        """Addresses for the profile `local-real`; there while the stack is meant to run."""
        return self._data_dir / STACK_FILE

    def _start(self, parts: list[Part], fresh: list[Part], on_step: Callable[[str], None]) -> None:
        for part in fresh:
            part.prepare()
            part.record.write(self.folder)
            part.daemon.start()
        for part in parts:
            on_step(f"waiting for {part.record.name}")
            part.daemon.wait_ready()

    def _status_of(self, record: PartRecord) -> PartStatus:
        daemon = record.daemon(self.folder)
        pid = daemon.pid()
        return PartStatus(record, pid, "" if pid is None else daemon.spec.why_unready() or "")

    def _drop_others(self, parts: list[Part]) -> None:
        names = {part.record.name for part in parts}
        others = [record for record in PartRecord.read_all(self.folder) if record.name not in names]
        stop_all([record.daemon(self.folder) for record in others])
        for record in others:
            record.forget(self.folder)

    def _write_run_file(self, settings: dict[str, Any]) -> None:
        temporary = self.run_file.with_suffix(".new")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps({"settings": settings}, indent=2))
        temporary.replace(self.run_file)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigurationError(
                    f"another `precis stack` is at work in {str(self.folder)!r}: wait for it"
                ) from error
            yield


def _store_settings(store: KvStandIn) -> dict[str, Any]:
    account = {"username": store.username, "password": store.password}
    return {"kind": "couchbase", "couchbase": {"url": store.connection_string, "bucket": store.bucket, **account}}


async def _provision(settings: Settings) -> None:
    await create_topics(settings)
    await init_store(settings)


def require_running(settings: Settings) -> None:
    """See that the stack of the settings works.

    Raises:
        ConfigurationError: It was not started.
        BackendUnavailable: A part of it does not work.
    """
    from ops.runfile import require_stack

    require_stack(settings)
    for part in Stack(settings.data_dir).status():
        if part.state != "running":
            raise BackendUnavailable(
                f"{part.state}: `precis stack up` starts what does not run; its log is {part.record.log!r}",
                backend=part.record.name,
                operation="look",
            )
