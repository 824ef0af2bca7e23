"""Request bodies: JSON, of limited size, sent in limited time. What is over a limit is answered without being read."""

import asyncio

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve import problems
from serve.context import context_of

__all__ = ["BodyLimits"]

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class _Refused(Exception):
    """The body is not taken."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class _Left(Exception):
    """The client went away: nobody is there to answer."""


class BodyLimits:
    """ASGI middleware: reads the body within its limits and hands it on as one message."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._check_size(request.headers)
            if _takes_body(request):
                _check_type(request.headers)
            async with asyncio.timeout(self._timeout_s):
                body = await self._read(receive)
        except _Refused as refusal:
            await self._refuse(request, refusal.status, refusal.detail)(scope, receive, send)
            return
        except TimeoutError:
            detail = f"the body did not arrive within {self._timeout_s:g} s"
            await self._refuse(request, 408, detail)(scope, receive, send)
            return
        except _Left:
            return
        await self._app(scope, _replay(body, receive), send)

    def _refuse(self, request: Request, status: int, detail: str) -> Response:
        # The rest of the body is never read, so the connection cannot carry another request.
        return problems.of_status(status, detail, context_of(request).request_id, {"Connection": "close"})

    def _check_size(self, headers: Headers) -> None:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self._max_bytes:
            raise _Refused(413, f"a body of {length[:20]} bytes is over the limit of {self._max_bytes}")

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Left
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                raise _Refused(413, f"the body is over the limit of {self._max_bytes} bytes")
            if not message.get("more_body", False):
                return bytes(body)


def _takes_body(request: Request) -> bool:
    """Whether a route will read it; without one the answer is 404 or 405, whatever the type."""
    return any(route.matches(request.scope)[0] is Match.FULL for route in request.app.routes)


def _check_type(headers: Headers) -> None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise _Refused(415, f"content-type is {media_type[:100]!r}; send application/json")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise _Refused(415, f"content-encoding is {encoding[:100]!r}; send the body as it is")


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return pending.pop() if pending else await receive()

    return next_message
