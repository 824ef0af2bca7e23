"""HTTP/1.1 on a socket in a few lines: a framework would not let an answer be cut off in the middle or reset."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["Reply", "serve"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent.

    Attributes:
        status: HTTP status.
        body: JSON value, or bytes as they are.
        headers: Besides the length.
        num_bytes_sent: Of the body; None sends all of it. With less the connection is closed.
        is_reset: Send nothing, reset the connection.
    """

    status: int = 200
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()
    num_bytes_sent: int | None = None
    is_reset: bool = False


Handler = Callable[[str, bytes], Awaitable[Reply]]


async def serve(port: int, handler: Handler) -> None:
    """Answer on the loopback address until cancelled.

    Args:
        port: Where.
        handler: From path and body to the reply.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await _answer(reader, writer, handler):
                    pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=2**20)
    async with server:
        await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> bool:
    """Whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    reply = await handler(request_line.split(" ")[1], body)
    if reply.is_reset:
        _reset(writer)
        return False
    content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
    fields = [("content-length", str(len(content))), ("content-type", "application/json"), *reply.headers]
    lines = [f"HTTP/1.1 {reply.status} -", *(f"{name}: {value}" for name, value in fields), "", ""]
    writer.write("\r\n".join(lines).encode() + content[: reply.num_bytes_sent])
    await writer.drain()
    return reply.num_bytes_sent is None


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    # Linger of zero seconds: the close is a RST, as when a process dies with data unread.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
