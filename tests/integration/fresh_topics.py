"""Topics and a consumer group that no other test uses: suites share one broker."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields

from stream.config import TopicNames
from stream.topics import create_topics, topic_specs

__all__ = ["FreshTopics", "MakeTopics", "make_topics"]

MakeTopics = Callable[..., Awaitable["FreshTopics"]]
"""What the fixture ``fresh_topics`` is: ``await fresh_topics(num_partitions=4)``."""


@dataclass(frozen=True, slots=True)
class FreshTopics:
    """One test's part of a broker.

    Attributes:
        bootstrap: Address of the broker.
        log_id: Identity of its log.
        names: Topics of the service; they exist and are empty.
        group_id: A consumer group without members and offsets.
    """

    bootstrap: str
    log_id: str
    names: TopicNames
    group_id: str


async def make_topics(
    bootstrap: str, log_id: str, *, num_partitions: int = 4, replication_factor: int = 1
) -> FreshTopics:
    """Make the service's topics under new names."""
    suffix = uuid.uuid4().hex[:8]
    names = TopicNames(**{name.name: f"{name.default}.{suffix}" for name in fields(TopicNames)})
    specs = topic_specs(names, num_partitions=num_partitions)
    made = await create_topics(bootstrap, specs, replication_factor=replication_factor)
    assert len(made) == len(specs), f"made {made} of {specs}"
    return FreshTopics(bootstrap, log_id, names, f"precis-nearline.{suffix}")
