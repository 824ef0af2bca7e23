"""Requests are read whatever way their bytes arrive; what is no request ends its connection and nothing else."""

import socket
import struct

import pytest
from couchbase.collection import Collection
from hypothesis import given
from hypothesis import strategies as st

from ops.standin import KvStandIn
from ops.standin.protocol import Decoder, ProtocolError, Request, decode_leb128

REQUESTS = st.builds(
    Request,
    opcode=st.integers(0, 255),
    opaque=st.integers(0, 2**32 - 1),
    cas=st.integers(0, 2**64 - 1),
    datatype=st.integers(0, 255),
    extras=st.binary(max_size=20),
    key=st.binary(max_size=200),
    value=st.binary(max_size=300),
    frames=st.dictionaries(st.integers(0, 200), st.binary(max_size=20), max_size=3),
)


def encoded(request: Request) -> bytes:
    """The bytes of a request: with frames in the newer form, without in the older one."""
    frames = b"".join(encoded_frame(number, content) for number, content in request.frames.items())
    lengths = (0x08, len(frames), len(request.key)) if frames else (0x80, *divmod(len(request.key), 256))
    magic, high, low = lengths
    body = frames + request.extras + request.key + request.value
    head = struct.pack(
        ">BBBBBBHI", magic, request.opcode, high, low, len(request.extras), request.datatype, 7, len(body)
    )
    return head + struct.pack(">IQ", request.opaque, request.cas) + body


def encoded_frame(number: int, content: bytes) -> bytes:
    """Numbers and lengths of 15 and above go on in a byte of their own."""
    head = bytes([min(number, 15) << 4 | min(len(content), 15)])
    head += bytes([number - 15]) if number >= 15 else b""
    head += bytes([len(content) - 15]) if len(content) >= 15 else b""
    return head + content


@given(requests=st.lists(REQUESTS, max_size=5), cuts=st.lists(st.integers(0, 3_000), max_size=20))
def test_requests_are_read_in_pieces_of_any_size(requests: list[Request], cuts: list[int]) -> None:
    """As TCP may deliver them."""
    data = b"".join(encoded(request) for request in requests)
    ends = [*sorted(cut for cut in cuts if cut < len(data)), len(data)]
    decoder, found, start = Decoder(), [], 0
    for end in ends:
        found += decoder.feed(data[start:end])
        start = end
    assert found == requests


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x80" + b"\xff" * 40, bytes(64)])
def test_what_is_no_request_ends_its_connection_alone(
    standin: KvStandIn, collection: Collection, garbage: bytes
) -> None:
    """The server hangs up on it and goes on with the others."""
    with socket.create_connection(("127.0.0.1", standin.port), timeout=30) as stranger:
        stranger.sendall(garbage)
        assert stranger.recv(100) == b""
    collection.upsert("key", 1)


def test_a_body_without_end_is_refused() -> None:
    """Above the largest document nothing is waited for."""
    with pytest.raises(ProtocolError, match="4294967295 bytes"):
        list(Decoder().feed(b"\x80" + bytes(7) + b"\xff" * 4 + bytes(12)))


@pytest.mark.parametrize(("data", "number"), [(b"\x00key", 0), (b"\x7fkey", 127), (b"\x80\x01key", 128)])
def test_a_collection_id_stands_before_the_key(data: bytes, number: int) -> None:
    """Seven bits a byte, the lowest first."""
    assert decode_leb128(data) == (number, b"key")
