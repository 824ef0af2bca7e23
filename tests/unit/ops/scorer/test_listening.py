"""Listening sockets."""

import socket

import pytest

from ops.scorer.listening import listen, reserve, share
from schemas.errors import ConfigurationError


def test_a_taken_port_names_the_setting():
    """Before anything is built."""
    with listen("127.0.0.1", 0, "scorer.port") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"scorer\.admin_port is {port}"):
            listen("127.0.0.1", port, "scorer.admin_port")


def test_an_address_of_another_machine_names_the_setting():
    """Likewise a name that is none."""
    with pytest.raises(ConfigurationError, match=r"scorer\.port"):
        listen("192.0.2.1", 0, "scorer.port")
    with pytest.raises(ConfigurationError, match=r"scorer\.port"):
        listen("no.such.host.invalid", 0, "scorer.port")


def test_workers_share_a_reserved_port_and_a_second_scorer_does_not():
    """Connections come to those that listen, and never to the holder of the port."""
    with reserve("127.0.0.1", 0, "scorer.port") as reserved:
        address = reserved.getsockname()
        with share(*address, "scorer.port") as first, share(*address, "scorer.port") as silent:
            first.listen()
            for _ in range(20):
                socket.create_connection(address, timeout=5).close()
            assert silent.getsockname() == address
            with pytest.raises(ConfigurationError, match=r"scorer\.port"):
                reserve(*address, "scorer.port")
