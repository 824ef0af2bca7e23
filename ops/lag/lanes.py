"""The lanes that the nearline service consumes: which topic, which group. Pure."""

from dataclasses import dataclass

from ops.settings import Settings

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
    topics, group = settings.topics, settings.kafka.group
    return [
        Lane("live", topics.updates, group),
        Lane("backfill", topics.backfill, f"{group}.backfill"),
        Lane("resummarise", topics.resummarise, f"{group}.resummarise"),
    ]
