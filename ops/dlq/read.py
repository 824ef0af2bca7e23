"""The dead-letter topic, read from its beginning to its end as of now."""

from ops.dlq.letters import Box, Place
from ops.topic_reader import TopicReader
from schemas.errors import ConfigurationError
from stream.source import Record

__all__ = ["read_box", "read_original", "require_topic"]


async def read_box(reader: TopicReader, topic: str) -> Box:
    """All letters, without their bytes, and all marks.

    Raises:
        ConfigurationError: There is no such topic.
        BackendError: The broker does not answer.
    """
    require_topic(reader, topic)
    box = Box()
    async for record in reader.read(await reader.spans(topic)):
        box.add(record)
    return box


async def read_original(reader: TopicReader, topic: str, place: Place) -> Record:
    """The record of one letter, with its bytes.

    Raises:
        ConfigurationError: It does not stand there; the message says what does.
        BackendError: The broker does not answer.
    """
    require_topic(reader, topic)
    record = await reader.at(topic, place.partition, place.offset)
    if record is None:
        spans = await reader.spans(topic)
        there = ", ".join(f"{span.partition}@{span.begin} to before {span.partition}@{span.end}" for span in spans)
        raise ConfigurationError(f"{topic!r} has no record at {place}: it holds {there}; `precis dlq list` has places")
    return record


def require_topic(reader: TopicReader, topic: str) -> None:
    """See that the topic is there.

    Raises:
        ConfigurationError: It is not.
    """
    if not reader.partitions(topic):
        raise ConfigurationError(
            f"topics.dead_letters is {topic!r}, which the broker does not have: run `precis topics create`"
        )
