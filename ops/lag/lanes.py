"""The lanes that the nearline service consumes: which topic, which group. Pure."""

from dataclasses import dataclass

from ops.settings import Settings
from ops.topics import topic_names
from stream.config import lane_specs

__all__ = ["Lane", "lanes_of"]


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane.

    Attributes:
        name: ``live``, ``backfill`` or ``resummarise``.
        topic: Consumed by it.
        group: Its consumer group.
    """

    name: str
    topic: str
    group: str


def lanes_of(settings: Settings) -> list[Lane]:
    """All lanes, the most urgent first; whether their topics exist is the broker's to say."""
    specs = lane_specs(topic_names(settings.topics), settings.kafka.group)
    return [Lane(spec.name, spec.topic, spec.group_id) for spec in specs]
