"""The gate at the edge: an API key where keys are configured, and its rate limit in tokens of the ranker."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from schemas.api import TrafficClass
from schemas.errors import Overloaded
from serve import problems
from serve.access.bucket import TokenBucket
from serve.access.key_file import KeySource
from serve.access.keys import ApiKey
from serve.context import context_of
from serve.telemetry import Telemetry

__all__ = ["Access", "Guard", "permit_class"]

# Probes and pages hold no secret and cost nothing; what the pages then ask for needs a key.
_OPEN = frozenset({"/", "/docs", "/openapi.json", "/livez", "/readyz", "/metrics"})
_KEY = "precis.api_key"
_BURST_S = 10.0


class Guard:
    """Keys and the buckets of those that have a limit. One a process, shared by both ports."""

    def __init__(
        self,
        source: KeySource,
        telemetry: Telemetry,
        *,
        share: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with full buckets.

        Args:
            source: The keys.
            telemetry: Counts calls and tokens by the name of the key.
            share: Part of every limit that this process enforces: with N worker processes 1 / N.
            clock: Seconds, for the buckets.
        """
        self._source = source
        self._telemetry = telemetry
        self._share = share
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        telemetry.keys_stale.set_function(lambda: float(source.is_stale))

    @property
    def is_open(self) -> bool:
        """No keys are configured: everybody may call."""
        return self._source.is_open

    def identify(self, request: HTTPConnection) -> ApiKey | None:
        """The caller's key; None: it has none that is known."""
        if self._source.refresh(self._clock()):
            self._forget_gone()
        return self._source.ring.find(presented) if (presented := _presented(request)) else None

    @contextmanager
    def spend(self, key: ApiKey, spent: Callable[[], float]) -> Iterator[None]:
        """Let one call of this key in, and charge it when the block ends.

        Args:
            key: Whose call it is.
            spent: Asked at the end: the tokens that it sent to the ranker.

        Raises:
            Overloaded: The key has spent its tokens.
        """
        bucket = self._bucket(key)
        held = bucket.reserve(self._clock()) if bucket else 0.0
        if bucket and held is None:
            self._telemetry.key_calls.labels(key.name, "limited").inc()
            message = f"API key {key.name!r} has spent its {key.tokens_per_s:g} tokens of the ranker a second"
            raise Overloaded(message, retry_after_s=bucket.wait_s())
        self._telemetry.key_calls.labels(key.name, "admitted").inc()
        try:
            yield
        finally:
            tokens = spent()
            self._telemetry.key_tokens.labels(key.name).inc(tokens)
            if bucket and held is not None:
                bucket.settle(held, tokens, self._clock())

    def _bucket(self, key: ApiKey) -> TokenBucket | None:
        if key.tokens_per_s is None:
            return None
        if key.name not in self._buckets:
            self._buckets[key.name] = TokenBucket(*self._limits(key), self._clock())
        return self._buckets[key.name]

    def _limits(self, key: ApiKey) -> tuple[float, float]:
        assert key.tokens_per_s is not None, "asked for a key with a limit"
        return key.tokens_per_s * self._share, (key.burst or key.tokens_per_s * _BURST_S) * self._share

    def _forget_gone(self) -> None:
        """After a change of the keys: limits follow, what was spent stays spent."""
        limited = {key.name: key for key in self._source.ring.keys if key.tokens_per_s is not None}
        self._buckets = {name: bucket for name, bucket in self._buckets.items() if name in limited}
        for name, bucket in self._buckets.items():
            bucket.resized(*self._limits(limited[name]), self._clock())


class Access:
    """ASGI middleware inside ``Edge``: lets in who may come in, before the body is read."""

    def __init__(self, app: ASGIApp, *, guard: Guard, needs_admin: bool = False) -> None:
        """Wrap an application.

        Args:
            app: What is guarded.
            guard: Keys and limits.
            needs_admin: Only keys with ``is_admin`` may call, where keys are configured.
        """
        self._app = app
        self._guard = guard
        self._needs_admin = needs_admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or self._guard.is_open or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        context = context_of(request)
        key = self._guard.identify(request)
        if key is None:
            detail = "no such API key" if _presented(request) else "an API key is needed"
            detail += ": send one as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            headers = {"WWW-Authenticate": 'Bearer realm="precis"', "Connection": "close"}
            await problems.of_status(401, detail, context.request_id, headers)(scope, receive, send)
            return
        context.facts["key"] = key.name
        if self._needs_admin and not key.is_admin:
            detail = f"API key {key.name!r} may not make admin calls: its entry needs is_admin = true"
            await problems.of_status(403, detail, context.request_id)(scope, receive, send)
            return
        scope[_KEY] = key
        if not _spends(scope):
            await self._app(scope, receive, send)
            return
        try:
            with self._guard.spend(key, lambda: context.num_tokens):
                await self._app(scope, receive, send)
        except Overloaded as error:
            await problems.of_error(error, context.request_id)(scope, receive, send)


def permit_class(request: Request, traffic_class: TrafficClass) -> None:
    """See that the caller's key may ask for this class.

    Raises:
        HTTPException: 403; the detail names what is allowed.
    """
    key: ApiKey | None = request.scope.get(_KEY)
    if key is not None and key.classes is not None and traffic_class not in key.classes:
        allowed = ", ".join(sorted(key.classes)) or "none"
        raise HTTPException(403, f"class is {traffic_class.value!r}, API key {key.name!r} may use: {allowed}")


def _spends(scope: Scope) -> bool:
    """Whether the call can cost tokens of the ranker; a look-up goes through whatever was spent."""
    return bool(scope["method"] == "POST" or scope["path"] == "/v1/search")


def _presented(connection: HTTPConnection) -> str:
    """The key that came with the call; empty: none."""
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return connection.headers.get("x-api-key", "").strip()
