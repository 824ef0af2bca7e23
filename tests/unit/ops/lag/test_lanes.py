"""The lanes that the commands look at are those that the service consumes."""

from pathlib import Path

from ops.lag.lanes import lanes_of
from ops.settings import load_settings
from ops.topics import topic_names
from stream.config import NearlineConfig


def test_lanes_are_those_of_the_service():
    """Names, topics and groups: from the service's own configuration, for settings that are not the defaults."""
    settings = load_settings(kafka={"group": "g"}, topics={"updates": "u", "backfill": "b", "resummarise": "r"})
    config = NearlineConfig(
        bootstrap_servers="k:9092",
        log_id="log",
        summarizer_bundle=Path(),
        ranker_bundle=Path(),
        group_id=settings.kafka.group,
        topics=topic_names(settings.topics),
    )
    assert [(lane.name, lane.topic, lane.group) for lane in lanes_of(settings)] == [
        (lane.name, lane.topic, lane.group_id) for lane in config.lanes
    ]
