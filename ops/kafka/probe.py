"""Whether a broker works: one Metadata request on a plain socket, without a client library.

Its answer names the brokers that the controller counts as alive. A broker takes requests only once it is one of them,
and creating topics right after the first answer has worked every time.
"""

import socket
import struct

__all__ = ["alive_brokers", "decode_brokers", "metadata_request"]

_CLIENT_ID = b"precis-probe"
_API_METADATA, _VERSION, _CORRELATION = 3, 4, 7


def metadata_request() -> bytes:
    """Metadata version 4 for no topic, framed; it creates none."""
    body = struct.pack(">hhih", _API_METADATA, _VERSION, _CORRELATION, len(_CLIENT_ID)) + _CLIENT_ID
    body += struct.pack(">ib", 0, 0)
    return struct.pack(">i", len(body)) + body


def decode_brokers(answer: bytes) -> frozenset[int]:
    """Node ids in a Metadata answer (version 4, without its frame length).

    Raises:
        struct.error: It ends too early.
    """
    at = struct.calcsize(">ii")  # correlation id, throttle time
    (num_brokers,) = struct.unpack_from(">i", answer, at)
    at += 4
    ids = set()
    for _ in range(num_brokers):
        node_id, host_length = struct.unpack_from(">ih", answer, at)
        at += 6 + host_length + 4  # host, port
        (rack_length,) = struct.unpack_from(">h", answer, at)  # -1: no rack
        at += 2 + max(rack_length, 0)
        ids.add(node_id)
    return frozenset(ids)


def alive_brokers(host: str, port: int, *, timeout_s: float = 1.0) -> frozenset[int]:
    """Ids of the brokers that the one at this address knows to be alive; empty where it does not answer."""
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(metadata_request())
            with connection.makefile("rb") as stream:
                (length,) = struct.unpack(">i", stream.read(4))
                return decode_brokers(stream.read(length))
    except (OSError, struct.error):
        return frozenset()
