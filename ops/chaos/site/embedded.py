"""The embedded profile: a broker in this process's memory, SQLite, one worker."""

from pathlib import Path
from types import TracebackType
from typing import Self

from ops.broker import EmbeddedBroker
from ops.settings import Topics
from ops.topics import specs_of
from store.sqlite import SqliteStore

__all__ = ["EmbeddedSite"]


class EmbeddedSite:
    """Implements ``Site``. Use as a context manager.

    Attributes:
        store_file: The SQLite file, for faults of the disk and of the lock.
    """

    num_workers = 1  # the embedded broker takes one consumer a group
    session_timeout_s = 3.0

    def __init__(self, directory: Path) -> None:
        """Start the broker."""
        self.topics = Topics()
        self._broker = EmbeddedBroker({spec.name: spec.num_partitions for spec in specs_of(self.topics)})
        self.bootstrap, self.log_id = self._broker.bootstrap, self._broker.log_id
        self.store_file = directory / "store.sqlite"
        self.overrides = {"store.sqlite_path": str(self.store_file)}

    async def open_store(self) -> SqliteStore:
        """See ``Site.open_store``."""
        return await SqliteStore.open(self.store_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._broker.close()
