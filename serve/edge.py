"""The outermost layer: gives each request its id, times and logs it, and turns a bug into a plain 500."""

import time
import traceback
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve import problems
from serve.context import RequestContext
from serve.telemetry import Telemetry

__all__ = ["Edge"]

_log = structlog.get_logger(__name__)

# Probes come every few seconds and say nothing when all is well.
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_CLIENT_CLOSED = 499
_SERVER_ERROR = 500


class Edge:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = RequestContext()
        context.attach(scope)
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = context.request_id
                headers["Server-Timing"] = context.stages.server_timing(time.monotonic() - context.arrived_s)
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001 - whatever the bug, the caller gets an answer and the log gets the trace
            # Without the error's message: it may quote a query or a document.
            trace = "".join(traceback.format_tb(error.__traceback__))
            _log.error("unexpected error", request_id=context.request_id, error=type(error).__name__, trace=trace)
            if not status:
                await problems.unexpected(context.request_id)(scope, receive, send_and_note)
        finally:
            self._finish(scope, context, status or _CLIENT_CLOSED)

    def _finish(self, scope: Scope, context: RequestContext, status: int) -> None:
        # The template, not the path: ids in a label would make a time series each.
        route = getattr(scope.get("route"), "path", "unmatched")
        seconds = time.monotonic() - context.arrived_s
        self._telemetry.requests.labels(route, str(status)).inc()
        self._telemetry.request_seconds.labels(route).observe(seconds)
        self._telemetry.record_stages(context.stages)
        if route in _QUIET and status < _SERVER_ERROR:
            return
        facts: dict[str, Any] = {
            "request_id": context.request_id,
            "method": scope["method"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1e3, 1),
            **context.facts,
        }
        log = _log.warning if status >= _SERVER_ERROR else _log.info
        log("request", **facts)
