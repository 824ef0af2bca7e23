"""What a profile gives a segment."""

from typing import Protocol

from ops.settings import Topics
from store.ports import Store
from stream.config import TopicNames
from stream.topics import TopicSpec, topic_specs

__all__ = ["Site", "specs_of"]


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


def specs_of(topics: Topics) -> list[TopicSpec]:
    """All topics of the services under these names."""
    names = {field: value for field, value in topics.model_dump().items() if isinstance(value, str)}
    return topic_specs(TopicNames(**names), num_partitions=topics.num_partitions)
