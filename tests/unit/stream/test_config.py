"""Contradictions are refused at start, with both values named."""

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ConfigurationError
from stream.config import NearlineConfig
from stream.topics import topic_specs


def make(**changes: Any) -> NearlineConfig:
    fields: dict[str, Any] = {
        "bootstrap_servers": "127.0.0.1:9092",
        "log_id": "log",
        "summarizer_bundle": Path("s"),
        "ranker_bundle": Path("r"),
    }
    return NearlineConfig(**(fields | changes))


def test_the_defaults_agree_with_each_other() -> None:
    """What is not given works."""
    assert make().window >= make().max_in_flight


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window": 3, "max_in_flight": 4}, ["window is 3", "max_in_flight is 4"]),
        ({"revoke_timeout_s": 5, "rebalance_timeout_s": 10}, ["revoke_timeout_s is 5", "rebalance_timeout_s is 10"]),
        ({"max_tries": 0}, ["max_tries is 0"]),
        ({"canary_tokens": 0}, ["canary_tokens is 0"]),
        ({"summary_budget_s": -1.0}, ["summary_budget_s is -1.0"]),
        ({"pause_s": float("nan")}, ["pause_s is nan"]),
        ({"log_id": ""}, ["log_id"]),
        ({"reserved_slots": 16}, ["reserved_slots is 16", "max_in_flight is 16"]),
        ({"reserved_slots": -1}, ["reserved_slots is -1"]),
        ({"stall_timeout_s": 80.0}, ["stall_timeout_s is 80", "summary_budget_s is 60", "retry_budget_s is 20"]),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], words: list[str]) -> None:
    """The message names the settings and their values."""
    with pytest.raises(ConfigurationError) as caught:
        make(**changes)
    assert all(word in str(caught.value) for word in words)


def test_topics_fit_what_is_written_to_them() -> None:
    """The changelog is compacted; the dead-letter topic takes a full record with headers added."""
    specs = {spec.name: spec for spec in topic_specs(make().topics, num_partitions=6)}
    assert set(specs) == set(make().topics.all)
    single = {name for name, spec in specs.items() if spec.num_partitions == 1}
    assert single == {"job-updates.dlq", "job-rollouts"}
    compacted = {name for name, spec in specs.items() if spec.settings.get("cleanup.policy") == "compact"}
    assert compacted == {"job-summaries", "job-rollouts"}
    assert int(specs["job-updates.dlq"].settings["max.message.bytes"]) > 1_048_576


def test_lanes_have_topics_and_groups_of_their_own() -> None:
    """Live first; a shared group would make one lane's rebalance the other's, and mix their offsets."""
    lanes = make(group_id="g").lanes
    assert [lane.name for lane in lanes] == ["live", "backfill", "resummarise"]
    assert [lane.group_id for lane in lanes] == ["g", "g.backfill", "g.resummarise"]
    assert len({lane.topic for lane in lanes}) == 3
    assert sorted(lane.priority for lane in lanes) == [lane.priority for lane in lanes]


@pytest.mark.parametrize(("max_in_flight", "num_reserved"), [(1, 0), (2, 1), (4, 1), (16, 4), (32, 8)])
def test_a_quarter_of_the_slots_is_reserved_for_live_updates(max_in_flight: int, num_reserved: int) -> None:
    """At least one, but never all."""
    assert make(max_in_flight=max_in_flight).num_reserved == num_reserved
