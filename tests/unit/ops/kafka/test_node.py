"""The files of one broker."""

import socket
from pathlib import Path

import pytest

from ops.kafka.java import Java
from ops.kafka.node import Node
from ops.kafka.plan import load_or_make_plan
from schemas.errors import ConfigurationError


def formatted_node(folder, **fields):
    plan = load_or_make_plan(folder, 1)
    node = Node(plan, plan.nodes[0], folder / "broker-0", Java(Path("java"), folder), **fields)
    (node.data / "__cluster_metadata-0").mkdir(parents=True)
    (node.folder / "formatted").touch()
    return node


def test_the_callers_properties_win(tmp_path):
    """A test can change what it is about, and nothing else is lost by that."""
    node = formatted_node(tmp_path, extra={"num.partitions": "7", "broker.session.timeout.ms": "5000"})
    node.prepare()
    lines = (node.folder / "server.properties").read_text().splitlines()
    assert {"num.partitions=7", "broker.session.timeout.ms=5000", "node.id=0"} <= set(lines)
    assert sum(line.startswith("broker.session.timeout.ms=") for line in lines) == 1


def test_preparing_a_formatted_broker_keeps_its_records_and_clears_what_a_killed_jvm_left(tmp_path):
    """Formatting again would lose everything; libraries unpacked by a killed JVM would pile up."""
    node = formatted_node(tmp_path)
    left = node.folder / "tmp" / "libzstd.so"
    left.parent.mkdir()
    left.touch()
    node.prepare()
    assert (node.data / "__cluster_metadata-0").is_dir()
    assert list(left.parent.iterdir()) == []


def test_a_broker_that_does_not_answer_says_where_it_was_asked(tmp_path):
    """What a failed start reports."""
    node = formatted_node(tmp_path)
    assert str(node.node.port) in node.why_unready()


def test_a_port_that_somebody_took_meanwhile_is_named_with_its_file(tmp_path):
    """The address is part of the cluster: it is not changed behind the clients' backs."""
    node = formatted_node(tmp_path)
    taken = node.node.controller_port
    with (
        socket.create_server(("127.0.0.1", taken)),
        pytest.raises(ConfigurationError, match=rf"cluster\.json.* is {taken}"),
    ):
        node.check_ports()
    node.check_ports()
