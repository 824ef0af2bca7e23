"""The key-value service: connections, and one commit for all that came in one turn of the event loop."""

import asyncio
import logging

from ops.standin.cluster import Cluster
from ops.standin.configuration import Node
from ops.standin.faults import Faults
from ops.standin.protocol import Answer, Decoder, ProtocolError, Request, encode
from ops.standin.sasl import Account
from ops.standin.session import Session

__all__ = ["KeyValueServer"]

_LOG = logging.getLogger(__name__)
_SWEEP_EVERY_S = 30.0
"""Expired documents are not seen by anybody; this is how long they may take up room."""


class KeyValueServer:
    """Accepts connections until it is closed.

    Attributes:
        faults: What shall go wrong.
        failure: Done when the journal cannot be written: the process must end, since it may have promised more.
    """

    def __init__(self, cluster: Cluster, account: Account, node: Node) -> None:
        """Make it; :meth:`start` opens the port.

        Args:
            cluster: The data.
            account: Who may come in.
            node: Where it listens, and what clients are told.
        """
        self.faults = Faults()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._cluster = cluster
        self._account = account
        self._node = node
        self._connections: set[_Connection] = set()
        self._waiting: list[_Connection] = []
        self._is_commit_due = False

    async def start(self) -> None:
        """Open the port and begin to sweep.

        Raises:
            OSError: It cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, self._node.host, self._node.port)
        self._sweep()

    async def close(self) -> None:
        """Finish what came in, and close the port and all connections."""
        self._server.close()
        self._next_sweep.cancel()
        self._commit()
        for connection in list(self._connections):
            connection.close()
        await self._server.wait_closed()

    def flush_after_commit(self, connection: "_Connection") -> None:
        """Send what the connection has to say once everything so far is in the journal."""
        if not self._cluster.is_dirty and not self._is_commit_due:
            connection.flush()
            return
        self._waiting.append(connection)
        if not self._is_commit_due:
            self._is_commit_due = True
            asyncio.get_running_loop().call_soon(self._commit)

    def forget(self, connection: "_Connection") -> None:
        """The connection is closed."""
        self._connections.discard(connection)

    def _connect(self) -> "_Connection":
        session = Session(self._cluster, self._account, self._node, self.faults)
        connection = _Connection(self, session)
        self._connections.add(connection)
        return connection

    def _commit(self) -> None:
        self._is_commit_due = False
        waiting, self._waiting = self._waiting, []
        try:
            self._cluster.commit()
        except Exception as error:  # noqa: BLE001 (whatever it is: nobody may be told that it was written)
            if not self.failure.done():
                self.failure.set_exception(error)
            return
        for connection in waiting:
            connection.flush()

    def _sweep(self) -> None:
        self._cluster.remove_expired()
        self._commit()
        self._next_sweep = asyncio.get_running_loop().call_later(_SWEEP_EVERY_S, self._sweep)


class _Connection(asyncio.Protocol):
    """Bytes in, bytes out."""

    def __init__(self, server: KeyValueServer, session: Session) -> None:
        self._server = server
        self._session = session
        self._decoder = Decoder()
        self._output: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the library's signature)
        self._server.forget(self)

    def data_received(self, data: bytes) -> None:
        try:
            for request in self._decoder.feed(data):
                self._handle(request)
        except ProtocolError as error:
            _LOG.warning("a connection is closed: it sent %s", error)
            self.close()
        self._server.flush_after_commit(self)

    def flush(self) -> None:
        """Send all that is ready."""
        if self._output and self._transport and not self._transport.is_closing():
            self._transport.write(b"".join(self._output))
        self._output.clear()

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()

    def _handle(self, request: Request) -> None:
        answer, fault = self._session.answer(request)
        if fault is None:
            self._output.append(encode(request, answer))
        elif not fault.is_silent:
            asyncio.get_running_loop().call_later(fault.delay_s, self._send_late, request, answer)

    def _send_late(self, request: Request, answer: Answer) -> None:
        self._output.append(encode(request, answer))
        self._server.flush_after_commit(self)
