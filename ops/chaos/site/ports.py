"""What a profile gives a segment."""

from typing import Protocol

from ops.settings import Topics
from store.ports import Store

__all__ = ["Site"]


class Site(Protocol):
    """Broker and store of one segment.

    Attributes:
        bootstrap: The broker.
        log_id: Identity of its log.
        topics: Names of this segment's topics; they exist.
        num_workers: How many nearline workers run on it.
        session_timeout_s: After which a silent worker loses its partitions, seconds.
        overrides: Settings of the services, by path.
    """

    bootstrap: str
    log_id: str
    topics: Topics
    num_workers: int
    session_timeout_s: float
    overrides: dict[str, str]

    async def open_store(self) -> Store:
        """The store, for the checker."""
        ...
