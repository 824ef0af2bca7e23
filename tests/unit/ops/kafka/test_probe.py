"""Reading who is alive from a Metadata answer."""

import socket
import struct

import pytest

from ops.kafka.probe import alive_brokers, decode_brokers, metadata_request
from ops.ports import lasting_ports


def answer(*brokers):
    """Metadata version 4: correlation id, throttle time, brokers, then what the probe does not read."""
    body = struct.pack(">iii", 7, 0, len(brokers))
    for node_id, host, rack in brokers:
        body += struct.pack(">ih", node_id, len(host)) + host + struct.pack(">i", 9092)
        body += struct.pack(">h", -1 if rack is None else len(rack)) + (rack or b"")
    return body + b"cluster id and topics"


def test_all_brokers_are_read_whatever_their_hosts_and_racks():
    """Host and rack are of any length, and a rack may be missing."""
    assert decode_brokers(answer((0, b"h", None), (2, b"a.long.host.name", b"rack"), (5, b"", None))) == {0, 2, 5}
    assert decode_brokers(answer()) == frozenset()


def test_an_answer_cut_short_is_an_error():
    """Half an answer is not taken for a smaller cluster."""
    with pytest.raises(struct.error):
        decode_brokers(answer((0, b"host", None), (1, b"host", None))[:30])


def test_the_request_is_framed_and_asks_for_no_topic():
    """Four bytes of length, then exactly that much; an empty list of topics and no leave to create any."""
    request = metadata_request()
    assert struct.unpack_from(">i", request) == (len(request) - 4,)
    assert request.endswith(b"\0" * 5)


def test_nobody_there_is_nobody_alive():
    """A refused connection is an answer: not ready."""
    assert alive_brokers("127.0.0.1", lasting_ports(1)[0]) == frozenset()


def test_a_listener_that_hangs_up_is_not_a_broker():
    """Something else on the port is never ready."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.listen()
        server.settimeout(30)
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as first:
            del first
        assert alive_brokers("127.0.0.1", port, timeout_s=0.2) == frozenset()
