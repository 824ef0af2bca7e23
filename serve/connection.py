"""Connections: one that does not send the head of a request in time is closed. uvicorn waits for it without end."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HeadTimeLimit"]


class HeadTimeLimit(H11Protocol):
    """uvicorn's protocol with a limit on the time until the head of a request is whole.

    It runs from the start of the connection, or from the first byte of a later request. Hand it to uvicorn as ``http``.
    The body has a limit of its own (``serve.body``), and so has a pause between requests (``timeout_keep_alive``).
    """

    head_timeout_s = 10.0
    _head_timer: asyncio.TimerHandle | None = None
    _has_taken_request = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        super().data_received(data)
        if not getattr(self.cycle, "response_complete", True):  # a request is being answered
            self._has_taken_request = True
            self._stop()
        elif self._head_timer is None:
            self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout_s, self._give_up)

    def _stop(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        # No answer where nothing was asked, nor to what follows a request: there it could be taken for that one's.
        if self._has_taken_request or not self.conn.trailing_data[0]:
            self.transport.close()
        else:
            self.send_400_response(f"The head of the request did not arrive within {self.head_timeout_s:g} s.")
