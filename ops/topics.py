"""The topics of the settings, as the nearline service knows them."""

from dataclasses import fields

from ops.settings import Topics
from stream.config import TopicNames
from stream.topics import TopicSpec, topic_specs

__all__ = ["specs_of", "topic_names"]


def topic_names(topics: Topics) -> TopicNames:
    """What the topics are called."""
    return TopicNames(**{field.name: getattr(topics, field.name) for field in fields(TopicNames)})


def specs_of(topics: Topics) -> list[TopicSpec]:
    """All topics of the services under these names."""
    return topic_specs(topic_names(topics), num_partitions=topics.num_partitions)
