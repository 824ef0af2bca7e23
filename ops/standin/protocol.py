"""Framing of the memcached binary protocol: bytes to requests, answers to bytes. Pure."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ops.standin.codes import Status

__all__ = ["Answer", "Decoder", "ProtocolError", "Request", "decode_leb128", "encode"]

_HEADER = struct.Struct(">BBHBBHIIQ")
"""Magic, opcode, key length, extras length, datatype, vbucket or status, body length, opaque, CAS."""

_REQUEST = 0x80
_REQUEST_WITH_FRAMES = 0x08
_ANSWER = 0x81
_MAX_BODY_BYTES = 21 * 1024 * 1024
"""A document of 20 MiB, the limit of the real server, with its key."""

_ESCAPE = 15
"""A frame's number or length of 15 goes on in the next byte."""


class ProtocolError(Exception):
    """What came in is no request: the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        opcode: See ``Opcode``; may be one that is not known.
        opaque: To be repeated in the answer.
        cas: Token that the document must have; 0 for any.
        datatype: Bits that describe the value.
        extras: Fixed fields of the operation.
        key: With the collection's id in front where collections were agreed on.
        value: The content.
        frames: Extra frames by number.
    """

    opcode: int
    opaque: int
    cas: int
    datatype: int
    extras: bytes
    key: bytes
    value: bytes
    frames: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request is answered with."""

    status: Status = Status.SUCCESS
    extras: bytes = b""
    value: bytes = b""
    cas: int = 0
    datatype: int = 0


class Decoder:
    """Takes bytes as they come, gives whole requests."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Request]:
        """The requests that are complete now.

        Raises:
            ProtocolError: These bytes are no request.
        """
        buffer = self._buffer
        buffer += data
        position = 0
        while len(buffer) - position >= _HEADER.size:
            magic, opcode, key_length, extras_length, datatype, _, body_length, opaque, cas = _HEADER.unpack_from(
                buffer, position
            )
            if magic not in {_REQUEST, _REQUEST_WITH_FRAMES} or body_length > _MAX_BODY_BYTES:
                raise ProtocolError(f"a request of magic 0x{magic:02x} and {body_length} bytes")
            start = position + _HEADER.size
            position = start + body_length
            if position > len(buffer):
                position = start - _HEADER.size
                break
            body = bytes(buffer[start:position])
            frames_length = 0
            if magic == _REQUEST_WITH_FRAMES:
                frames_length, key_length = key_length >> 8, key_length & 0xFF
            key_at = frames_length + extras_length
            yield Request(
                opcode,
                opaque,
                cas,
                datatype,
                extras=body[frames_length:key_at],
                key=body[key_at : key_at + key_length],
                value=body[key_at + key_length :],
                frames=dict(_frames(body[:frames_length])) if frames_length else {},
            )
        del buffer[:position]


def encode(request: Request, answer: Answer) -> bytes:
    """The bytes of an answer."""
    head = _HEADER.pack(
        _ANSWER,
        request.opcode,
        0,
        len(answer.extras),
        answer.datatype,
        answer.status,
        len(answer.extras) + len(answer.value),
        request.opaque,
        answer.cas,
    )
    return head + answer.extras + answer.value


def decode_leb128(data: bytes) -> tuple[int, bytes]:
    """An unsigned number in front of bytes, and the bytes after it.

    Raises:
        ProtocolError: The bytes end within the number.
    """
    number = 0
    for index, byte in enumerate(data):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 (the bit that says: more follows)
            return number, data[index + 1 :]
    raise ProtocolError(f"a key {data!r} without a whole collection id")


def _frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        number, length = data[position] >> 4, data[position] & 0x0F
        position += 1
        if number == _ESCAPE:
            number += data[position]
            position += 1
        if length == _ESCAPE:
            length += data[position]
            position += 1
        yield number, data[position : position + length]
        position += length
