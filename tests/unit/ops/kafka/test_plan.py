"""What a cluster is: kept from one start to the next."""

import re

import pytest

from ops.kafka.plan import kafka_uuid, load_or_make_plan, planned_size
from ops.kafka.properties import as_properties, server_properties
from schemas.errors import ConfigurationError


def test_a_directory_keeps_its_identity_and_ports(tmp_path):
    """Clients hold the address and offsets hold the cluster id: both outlive every restart."""
    assert planned_size(tmp_path) is None
    assert load_or_make_plan(tmp_path, 3) == load_or_make_plan(tmp_path, 3)
    assert planned_size(tmp_path) == 3


def test_no_two_listeners_share_a_port(tmp_path):
    """Three nodes, each for clients and for controllers."""
    plan = load_or_make_plan(tmp_path, 3)
    assert len({port for node in plan.nodes for port in (node.port, node.controller_port)}) == 6


def test_another_number_of_brokers_is_refused(tmp_path):
    """A cluster of one is not silently taken for one of three; the error names both and the directory."""
    load_or_make_plan(tmp_path, 1)
    with pytest.raises(ConfigurationError, match=rf"{re.escape(str(tmp_path))}.* 1 brokers and 3 are asked for"):
        load_or_make_plan(tmp_path, 3)


@pytest.mark.parametrize("num_brokers", [0, 2, 4])
def test_only_one_or_three(tmp_path, num_brokers):
    """Two brokers would have no majority without both."""
    with pytest.raises(ConfigurationError, match="choose 1 or 3"):
        load_or_make_plan(tmp_path, num_brokers)


def test_ids_have_the_form_of_kafka():
    """22 characters of base64url; a leading dash would be read as an option of the storage tool."""
    for _ in range(200):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", kafka_uuid())


@pytest.mark.parametrize(("num_brokers", "replicas", "min_isr"), [(1, "1", "1"), (3, "3", "2")])
def test_what_kafka_makes_for_itself_survives_one_broker_of_three(tmp_path, num_brokers, replicas, min_isr):
    """Offsets and transactions have as many replicas as there are brokers, two of three in sync."""
    plan = load_or_make_plan(tmp_path, num_brokers)
    values = server_properties(plan, plan.nodes[-1], tmp_path / "data")
    for name in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
        assert values[f"{name}.replication.factor"] == replicas
    assert values["min.insync.replicas"] == min_isr
    assert values["controller.quorum.bootstrap.servers"].count(":") == num_brokers


def test_everything_listens_on_this_machine_alone(tmp_path):
    """The brokers have no password: another machine must not reach them."""
    plan = load_or_make_plan(tmp_path, 1)
    values = server_properties(plan, plan.nodes[0], tmp_path)
    for listener in values["listeners"].split(",") + values["advertised.listeners"].split(","):
        assert "://127.0.0.1:" in listener


def test_a_backslash_in_a_path_stays_one(tmp_path):
    """Java reads a backslash in properties as an escape."""
    assert as_properties({"log.dirs": "a\\b"}) == "log.dirs=a\\\\b\n"
