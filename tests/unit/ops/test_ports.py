"""Ports that a server can leave and take again."""

from ops.ports import first_ephemeral_port, lasting_ports
from ops.supervise import free_port


def test_no_port_is_one_that_the_kernel_gives_to_connections():
    """A client that tries the port of a killed server must never be given that port itself."""
    ports = lasting_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < first_ephemeral_port()
    assert free_port() < first_ephemeral_port()
