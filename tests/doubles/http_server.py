"""A real HTTP server on a socket, in a few lines: for what no transport in memory shows (refused, cut off, reused)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["HttpServer", "Request", "answer", "asgi", "http_server", "refused_address"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in.

    Attributes:
        method: Such as ``POST``.
        path: Such as ``/v1/score``.
        headers: Names in lower case.
        body: The JSON value; None where there is none.
        connection: Number of its connection, from 1 in order of opening.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    connection: int


Handler = Callable[[Request], Awaitable[bytes | None]]
"""From a request to the bytes of the answer; None closes the connection without one."""


def answer(body: object, *, status: int = 200, **headers: str) -> bytes:
    """The bytes of an answer. A ``body`` of type bytes is sent as it is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-length": str(len(content))} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} -\r\n{head}\r\n".encode() + content


def asgi(app: Callable[..., Awaitable[None]]) -> Handler:
    """Answers as the ASGI application does."""

    async def respond(request: Request) -> bytes:
        content = b"" if request.body is None else json.dumps(request.body).encode()
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
        await app({"type": "http", "method": request.method, "path": request.path, "headers": headers}, receive, send)
        start, *parts = messages
        fields = {name.decode(): value.decode() for name, value in start["headers"]}
        return answer(b"".join(part["body"] for part in parts), status=start["status"], **fields)

    return respond


class HttpServer:
    """What :func:`http_server` hands out.

    Attributes:
        base_url: Its address.
        requests: Every request in order of arrival.
        num_connections: Connections opened so far.
        arrived: Set when a request has come in.
        peer_left: Set when a client has closed a connection while its answer was awaited.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.base_url = ""
        self.requests: list[Request] = []
        self.num_connections = 0
        self.arrived = asyncio.Event()
        self.peer_left = asyncio.Event()
        self._is_closing = False
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    def drop_connections(self) -> None:
        """Close all, as a restart does."""
        for writer in self._writers:
            writer.transport.abort()

    def close_after_answer(self) -> None:
        """From now on a connection ends with its answer, whether that was whole or not."""
        self._is_closing = True

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Known at once, and closed whatever becomes of its task, which may be cancelled before it begins."""
        self.num_connections += 1
        self._writers[writer] = serving = asyncio.create_task(self._serve(reader, writer, self.num_connections))
        serving.add_done_callback(lambda _: self._forget(writer))

    def _forget(self, writer: asyncio.StreamWriter) -> None:
        del self._writers[writer]
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        try:
            while (request := await _read(reader, number)) is not None:
                self.requests.append(request)
                self.arrived.set()
                content = await self._answer_unless_gone(reader, request)
                if content is None:
                    return
                writer.write(content)
                await writer.drain()
                if self._is_closing:
                    return
        except ConnectionError:
            return

    async def _answer_unless_gone(self, reader: asyncio.StreamReader, request: Request) -> bytes | None:
        # HTTP/1.1 without pipelining: before the answer nothing more comes, but for the end of the connection.
        working = asyncio.ensure_future(self._handler(request))
        leaving = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            self.peer_left.set()
            return None
        leaving.cancel()
        await asyncio.wait({leaving})
        return working.result()


async def _read(reader: asyncio.StreamReader, connection: int) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head.split("\r\n")
    method, path, _ = request_line.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, json.loads(content) if content else None, connection)


@asynccontextmanager
async def http_server(handler: Handler) -> AsyncIterator[HttpServer]:
    """A server on a free port of the loopback address."""
    double = HttpServer(handler)
    server = await asyncio.start_server(double.accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    double.base_url = f"http://{host}:{port}"
    try:
        yield double
    finally:
        server.close()
        double.drop_connections()
        await server.wait_closed()


async def refused_address() -> str:
    """An address where nothing listens: a port that was free a moment ago."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    return f"http://{host}:{port}"
