"""The embedded store: one SQLite file in WAL mode, shared by all processes of one machine."""

from store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
