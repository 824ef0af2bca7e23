"""Listening sockets."""

import pytest

from ops.scorer.listening import listen
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
