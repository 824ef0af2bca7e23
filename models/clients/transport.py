"""HTTP to one engine: one connection pool, one deadline a call, bounded retries, this project's errors.

What is retried: no connection, a connection that broke, 502, 503 and 504. Completions and scores have no effects, so a
second try is safe. What is not: a refusal of work (429 belongs to the caller, who holds back), and anything that a
second try would answer alike.
"""

import asyncio
import math
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic_core import to_json

from models.clients.pool import PooledTransport
from models.clients.statuses import error_of
from schemas.canonical import read_json
from schemas.deadline import Deadline
from schemas.errors import (
    BackendError,
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    ConfigurationError,
    DeadlineExceeded,
)

__all__ = ["Answer", "EngineTransport", "TransportConfig"]

_REVISION_HEADER = "x-precis-revision"
_REVISION_TIMEOUT_S = 5.0
_REVISION_READS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportConfig:
    """How one engine is reached."""

    base_url: str
    """Scheme, host and port, such as ``http://127.0.0.1:8101``."""
    connect_timeout_s: float = 1.0
    """Longest wait for one connection, in seconds; the deadline holds besides."""
    max_connections: int = 64
    """Connections kept at most; further calls wait for one until their deadline."""
    keepalive_s: float = 30.0
    """Seconds after which an idle connection is closed."""
    max_tries: int = 3
    """Tries of one call, the first included."""
    first_backoff_s: float = 0.05
    """Wait before the second try, in seconds; doubles each time. Half of it is jitter."""
    max_backoff_s: float = 1.0
    """Longest wait between two tries, in seconds."""

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigurationError(f"engine address {self.base_url!r} must begin with http:// or https://")
        if self.connect_timeout_s <= 0 or self.max_connections < 1 or self.max_tries < 1:
            raise ConfigurationError(
                f"engine {self.base_url!r}: connect_timeout_s {self.connect_timeout_s!r} must be above 0, "
                f"max_connections {self.max_connections!r} and max_tries {self.max_tries!r} at least 1"
            )


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with status 200.

    Attributes:
        body: Its JSON object.
        revision: Revision of the model that gave it.
    """

    body: Mapping[str, Any]
    revision: str


@dataclass(slots=True)
class _Backoff:
    """Decides after each failed try whether, and after how many seconds, the next one follows.

    By hand and not by stamina: its retry context takes as long, for calls that succeed at once, as sending them.
    """

    config: TransportConfig
    deadline: Deadline
    jitter: random.Random
    num_failures: int = field(default=0, init=False)

    def after(self, error: BackendError) -> float | None:
        """Seconds to wait before the next try; None where there is none."""
        if not error.retryable or self.num_failures + 1 >= self.config.max_tries:
            return None
        wait_s = min(self.config.max_backoff_s, self.config.first_backoff_s * 2**self.num_failures)
        wait_s *= 0.5 + 0.5 * self.jitter.random()
        self.num_failures += 1
        # A wait beyond the deadline would turn "not reachable" into "too late", and the caller acts on the difference.
        return wait_s if wait_s < self.deadline.remaining_s() else None


class EngineTransport:
    """Requests to one engine. May be used concurrently, by the tasks of one event loop.

    The revision of an answer is its header ``x-precis-revision``. Engines without it (vLLM, SGLang) are asked for the
    name of their model after every new connection, since a restart with another model closes the old ones; behind one
    address must then stand one process, and its served name must tell the weights apart.
    """

    def __init__(
        self,
        config: TransportConfig,
        *,
        backend: str,
        transport: httpx.AsyncBaseTransport | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            config: Where the engine is and how hard to try.
            backend: Its name in errors (``summarizer``, ``ranker``).
            transport: In place of the network.
            jitter: Randomness of the waits between tries.
        """
        self._config = config
        self._backend = backend
        self._jitter = jitter or random.Random()
        self._num_opened = 0
        self._is_closed = False
        self._revision: str | None = None
        self._revision_at_num_opened = -1
        self._revision_lock = asyncio.Lock()
        self._url = httpx.URL(config.base_url)
        self._urls: dict[str, httpx.URL] = {}  # path -> address; joining one takes longer than sending a request
        self._transport = transport or PooledTransport(
            max_connections=config.max_connections,
            keepalive_s=config.keepalive_s,
            connect_timeout_s=config.connect_timeout_s,
            on_connect=self._note_connection,
        )

    async def post(self, path: str, payload: Mapping[str, Any], *, deadline: Deadline) -> Answer:
        """Post a JSON object and read one.

        Raises:
            PromptTooLong: 400 for the prompt's length, or 413.
            Overloaded: 429.
            DeadlineExceeded: The deadline passed; the connection is closed, so the engine stops.
            BackendTimeout: No connection in time, or 504, in every try.
            BackendUnavailable: No connection, a broken one, or 502 or 503, in every try.
            BackendProtocolError: Any other status, or an answer that is no JSON object.
        """
        content = to_json(payload)  # a quarter of the standard library's time for a thousand token ids
        response, body = await self._tried("POST", path, content, deadline)
        if revision := response.headers.get(_REVISION_HEADER):
            return Answer(body, revision)
        async with self._revision_lock:
            if self._revision is None or self._revision_at_num_opened != self._num_opened:
                return Answer(body, await self._read_revision(deadline))
            return Answer(body, self._revision)

    async def revision(self) -> str:
        """Revision of the model that is loaded now: of ``GET /info``, else the name in ``/v1/models``.

        Raises:
            PrecisError: As :meth:`post`, within five seconds.
        """
        return await self._read_revision(Deadline.after(_REVISION_TIMEOUT_S))

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        self._is_closed = True
        await self._transport.aclose()

    def _note_connection(self) -> None:
        self._num_opened += 1

    async def _read_revision(self, deadline: Deadline) -> str:
        for _ in range(_REVISION_READS):
            # A connection that opened meanwhile may lead to another process: the reading counts only where none did.
            num_opened = self._num_opened
            self._revision = await self._named_revision(deadline)
            self._revision_at_num_opened = num_opened
            if num_opened == self._num_opened:
                break
        assert self._revision is not None
        return self._revision

    async def _named_revision(self, deadline: Deadline) -> str:
        with suppress(BackendProtocolError):  # vLLM and SGLang have no such route
            _, info = await self._tried("GET", "/info", None, deadline)
            if "revision" in info:
                if isinstance(revision := info["revision"], str):
                    return revision
                raise BackendUnavailable("the model is not loaded yet", backend=self._backend, operation="/info")
        _, body = await self._tried("GET", "/v1/models", None, deadline)
        match body:
            case {"data": [{"id": str(name)}, *_]} if name:
                return name
        raise self._protocol_error("/v1/models", "the model list has no first entry with an id")

    async def _tried(
        self, method: str, path: str, content: bytes | None, deadline: Deadline
    ) -> tuple[httpx.Response, Mapping[str, Any]]:
        backoff = _Backoff(self._config, deadline, self._jitter)
        while True:
            try:
                return await self._answered(method, path, content, deadline)
            except BackendError as error:
                if (wait_s := backoff.after(error)) is None:
                    raise
            await asyncio.sleep(wait_s)

    async def _answered(
        self, method: str, path: str, content: bytes | None, deadline: Deadline
    ) -> tuple[httpx.Response, Mapping[str, Any]]:
        response = await self._sent(method, path, content, deadline)
        if response.status_code != httpx.codes.OK:
            raise error_of(
                response.status_code,
                response.headers,
                response.content,
                backend=self._backend,
                operation=path,
                now=datetime.now(UTC),
            )
        return response, self._object(path, response.content)

    async def _sent(self, method: str, path: str, content: bytes | None, deadline: Deadline) -> httpx.Response:
        deadline.check(f"{self._backend} {path}")
        if self._is_closed:
            raise BackendUnavailable("the client is closed", backend=self._backend, operation=path)
        budget_s = deadline.remaining_s()
        headers = {"content-type": "application/json", "x-request-deadline-ms": str(math.ceil(budget_s * 1000))}
        # Sent without httpx's client: of what that adds (cookies, redirects, proxies, hooks) an engine needs nothing.
        url = self._urls.get(path) or self._urls.setdefault(path, self._url.join(path))
        request = httpx.Request(method, url, content=content, headers=headers)
        try:
            # One limit for all phases; passing it cancels the request and closes its connection.
            async with asyncio.timeout(budget_s):
                response = await self._transport.handle_async_request(request)
                await response.aread()
                return response
        except TimeoutError as error:
            raise DeadlineExceeded(f"deadline passed while {self._backend} {path} worked") from error
        except httpx.TimeoutException as error:
            message = f"no connection to {self._config.base_url} within {self._config.connect_timeout_s} s"
            raise BackendTimeout(message, backend=self._backend, operation=path) from error
        except httpx.HTTPError as error:
            message = f"{self._config.base_url}: {type(error).__name__}: {error}"
            if isinstance(error, httpx.NetworkError) or _is_cut_off(error):
                raise BackendUnavailable(message, backend=self._backend, operation=path) from error
            raise BackendProtocolError(message, backend=self._backend, operation=path) from error

    def _object(self, path: str, content: bytes) -> Mapping[str, Any]:
        try:
            body = read_json(content)
        except ValueError as error:
            raise self._protocol_error(path, f"the answer is not JSON ({error}): {content[:80]!r}") from error
        if not isinstance(body, dict):
            raise self._protocol_error(path, f"the answer is a JSON {type(body).__name__}, not an object")
        return body

    def _protocol_error(self, path: str, message: str) -> BackendProtocolError:
        return BackendProtocolError(message, backend=self._backend, operation=path)


def _is_cut_off(error: httpx.HTTPError) -> bool:
    # httpx has one class for a peer that went away and for one that does not speak HTTP; only the words differ.
    words = str(error).lower()
    return isinstance(error, httpx.RemoteProtocolError) and ("disconnected" in words or "closed connection" in words)
