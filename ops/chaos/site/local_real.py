"""The local-real profile: Apache Kafka, the stand-in for Couchbase's key-value service, two workers.

Broker and store are started once a run and live through all segments; each segment has topics and jobs of its own.
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.chaos.faults.engine import CLOCK_FAULTS, ENGINE_FAULTS
from ops.chaos.faults.local_real import LOCAL_REAL_FAULTS
from ops.chaos.faults.ports import FaultTable
from ops.chaos.faults.processes import PROCESS_FAULTS, SCALE_FAULTS
from ops.kafka import KafkaCluster
from ops.settings import Topics
from ops.standin import KvStandIn
from ops.topics import specs_of
from store.couchbase import CouchbaseConfig, CouchbaseStore, provision
from stream.topics import create_topics

__all__ = ["LocalReal", "LocalRealSite"]

_SESSION_TIMEOUT_S = 3.0
_BROKER_SETTINGS = {"group.min.session.timeout.ms": "1000", "group.initial.rebalance.delay.ms": "100"}


class LocalReal:
    """Implements ``Profile``. Use as a context manager."""

    def __init__(self, directory: Path) -> None:
        """Plan; nothing runs yet.

        Args:
            directory: Of the run; what an interrupted one left of broker and store is removed.
        """
        for name in ("kafka", "kv"):
            shutil.rmtree(directory / name, ignore_errors=True)
        self._kafka = KafkaCluster(directory / "kafka", properties=_BROKER_SETTINGS)
        self._kv = KvStandIn(directory / "kv")
        self.faults: FaultTable = {
            **PROCESS_FAULTS,
            **SCALE_FAULTS,
            **ENGINE_FAULTS,
            **CLOCK_FAULTS,
            **LOCAL_REAL_FAULTS,
        }

    def __enter__(self) -> Self:
        self._kafka.start()
        try:
            self._kv.start()
        except BaseException:
            self._kafka.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._kv.stop()
        self._kafka.stop()

    @contextmanager
    def open_site(self, directory: Path, number: int) -> Iterator["LocalRealSite"]:
        """See ``Profile.open_site``."""
        del directory
        yield LocalRealSite(self._kafka, self._kv, number)


class LocalRealSite:
    """Implements ``Site``.

    Attributes:
        kafka: The broker, for its faults.
        kv: The store, for its faults.
    """

    num_workers = 2
    session_timeout_s = _SESSION_TIMEOUT_S

    def __init__(self, kafka: KafkaCluster, kv: KvStandIn, number: int) -> None:
        self.kafka, self.kv = kafka, kv
        self.bootstrap, self.log_id = kafka.bootstrap, kafka.log_id
        names = {field: f"{name}-{number}" for field, name in Topics().model_dump().items() if isinstance(name, str)}
        self.topics = Topics(**names)
        self._config = CouchbaseConfig.from_url(kv.url)
        self.overrides = {
            "store.kind": "couchbase",
            "store.couchbase.url": self._config.connection_string,
            "store.couchbase.username": self._config.username,
            "store.couchbase.password": self._config.password,
            "store.couchbase.bucket": self._config.bucket,
            "store.couchbase.scope": self._config.scope,
        }

    async def open_store(self) -> CouchbaseStore:
        """See ``Site.open_store``; makes bucket, collections and topics where they are missing."""
        await provision(self._config)
        await create_topics(self.bootstrap, specs_of(self.topics))
        return await CouchbaseStore.open(self._config)

    async def restart_broker(self) -> None:
        """After :meth:`KafkaCluster.kill`: start it on its data, and wait until it works."""
        self.kafka.restart(wait=False)
        await asyncio.to_thread(self.kafka.wait_ready)

    def restart_store(self) -> None:
        """After :meth:`KvStandIn.kill`: start it on its data. Blocks a second: children belong to this thread."""
        self.kv.start()
