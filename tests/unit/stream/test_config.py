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
        ({"summary_budget_s": -1.0}, ["summary_budget_s is -1.0"]),
        ({"pause_s": float("nan")}, ["pause_s is nan"]),
        ({"log_id": ""}, ["log_id"]),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], words: list[str]) -> None:
    """The message names the settings and their values."""
    with pytest.raises(ConfigurationError) as caught:
        make(**changes)
    assert all(word in str(caught.value) for word in words)


def test_topics_fit_what_is_written_to_them() -> None:
    """The changelog is compacted; the dead-letter topic takes a full record with headers added."""
    updates, summaries, dead_letters = topic_specs(make().topics, num_partitions=6)
    assert (updates.num_partitions, summaries.num_partitions, dead_letters.num_partitions) == (6, 6, 1)
    assert summaries.settings["cleanup.policy"] == "compact"
    assert int(dead_letters.settings["max.message.bytes"]) > 1_048_576
