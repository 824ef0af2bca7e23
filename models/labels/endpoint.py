"""HTTP to the judge: one address, a key, patient retries.

A labelling run waits where a service would give up: a call is tried again, with growing waits and those that the
endpoint asks for, until its patience ends. Retried are no connection, a broken one, no answer in time, 408, 429, 500
and 502 to 504; a judgement has no effects. A refused key, route or model ends the run.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from pydantic_core import to_json

from models.clients.pool import Pool, Reply
from models.clients.statuses import error_of, hint_s
from schemas.canonical import read_json
from schemas.deadline import Deadline
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    ConfigurationError,
    Overloaded,
    PrecisError,
)

__all__ = ["Endpoint", "EndpointConfig"]

_OK, _INTERNAL = 200, 500
_REFUSED_KEY, _NOT_FOUND = (401, 403), 404
_SHOWN_BYTES = 80
_CONNECT_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """Where the judge is and how long it is waited for."""

    url: str
    """Scheme, host, port and path before ``/v1``."""
    key: str = field(default="", repr=False)
    """Sent as bearer token; empty: none is sent."""
    key_name: str = ""
    """Where the key came from, for messages."""
    concurrency: int = 8
    """Calls in flight, each over its own connection."""
    timeout_s: float = 120.0
    """Longest wait for one answer, in seconds."""
    patience_s: float = 600.0
    """Seconds after which a call that always failed is given up, and the run with it."""
    first_backoff_s: float = 0.5
    """Wait before the second try, in seconds; doubles each time. Half of it is jitter."""
    max_backoff_s: float = 30.0
    """Longest wait between two tries, in seconds, where the endpoint asks for no longer one."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")) or self.url.removeprefix("https://") in {"", "http://"}:
            raise ConfigurationError(f"endpoint {self.url!r} must be an address that begins with http:// or https://")
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise ConfigurationError(f"the key in {self.key_name} holds a character that no header can carry")
        if self.concurrency < 1 or self.timeout_s <= 0 or self.patience_s <= 0:
            raise ConfigurationError(
                f"concurrency {self.concurrency} must be at least 1, timeout_s {self.timeout_s} and "
                f"patience_s {self.patience_s} above 0"
            )

    @property
    def base_url(self) -> str:
        """Without ``/v1``, which clients of other makers want there and which the routes begin with."""
        return self.url.rstrip("/").removesuffix("/v1").rstrip("/")


class Endpoint:
    """May be used concurrently, by the tasks of one event loop."""

    def __init__(
        self,
        config: EndpointConfig,
        *,
        jitter: random.Random | None = None,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_retry: Callable[[PrecisError, float], None] = lambda _error, _wait_s: None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            config: Where, and how hard to try.
            jitter: Randomness of the waits.
            wait: Waits so many seconds.
            on_retry: Told of each failed try that another follows, and after how many seconds.
        """
        self._config = config
        self._jitter = jitter or random.Random()
        self._wait = wait
        self._on_retry = on_retry
        self._not_before_s = 0.0
        self._headers = {"content-type": "application/json"}
        if config.key:
            self._headers["authorization"] = f"Bearer {config.key}"
        self._pool = Pool(
            config.base_url, max_connections=config.concurrency, keepalive_s=30, connect_timeout_s=_CONNECT_S
        )

    async def post(self, path: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Post a JSON object and read one.

        Raises:
            ConfigurationError: 401, 403 or 404: key, address or model are not the endpoint's.
            BackendTimeout, BackendUnavailable, Overloaded: Nothing else came until the patience ended.
            PromptTooLong: The prompt does not fit the model.
            BackendProtocolError: Any other status, or an answer that is no JSON object.
        """
        content = to_json(payload)
        deadline = Deadline.after(self._config.patience_s)
        num_failures = 0
        while True:
            if (held_s := self._not_before_s - time.monotonic()) > 0:
                await self._wait(held_s)
            try:
                return await self._tried(path, content)
            except PrecisError as error:
                wait_s = self._wait_after(error, num_failures)
                if wait_s is None or wait_s >= deadline.remaining_s():
                    raise
                num_failures += 1
                self._on_retry(error, wait_s)
                await self._wait(wait_s)

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._pool.close()

    def _wait_after(self, error: PrecisError, num_failures: int) -> float | None:
        """Seconds before the next try; None where there is none."""
        if not error.retryable:
            return None
        backoff_s = min(self._config.max_backoff_s, self._config.first_backoff_s * 2.0 ** min(num_failures, 16))
        backoff_s *= 0.5 + 0.5 * self._jitter.random()
        if not isinstance(error, Overloaded):
            return backoff_s
        # The others that are in flight hold back as well: the refusal was not about this call.
        self._not_before_s = max(self._not_before_s, time.monotonic() + error.retry_after_s)
        return max(backoff_s, error.retry_after_s)

    async def _tried(self, path: str, content: bytes) -> Mapping[str, Any]:
        where = self._config.base_url
        try:
            async with asyncio.timeout(self._config.timeout_s):
                reply = await self._pool.send("POST", path, content, self._headers)
        except TimeoutError as error:
            is_connected = not isinstance(error, aiohttp.ClientError)
            what = f"answer within {self._config.timeout_s:g}" if is_connected else f"connection within {_CONNECT_S}"
            message = f"{where}: no {what} s"
            raise BackendTimeout(message, backend="judge", operation=path) from error
        except aiohttp.InvalidURL as error:
            raise ConfigurationError(f"endpoint {where!r} is no address: {error}") from error
        except aiohttp.ClientError as error:
            message = self._without_key(f"{where}: {type(error).__name__}: {error}")
            if isinstance(error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
                raise BackendUnavailable(message, backend="judge", operation=path) from error
            raise BackendProtocolError(message, backend="judge", operation=path) from error
        if reply.status != _OK:
            raise self._failure(path, reply)
        return _object(path, reply.body)

    def _failure(self, path: str, reply: Reply) -> PrecisError:
        now = datetime.now(UTC)
        body = self._without_key(reply.body.decode("utf-8", "replace")).encode()
        if reply.status in {*_REFUSED_KEY, _NOT_FOUND}:
            return ConfigurationError(
                f"judge {self._config.base_url}{path}: HTTP {reply.status}: {_said(body)}; {self._remedy(reply.status)}"
            )
        error = error_of(reply.status, reply.headers, body, backend="judge", operation=path, now=now)
        if reply.status == _INTERNAL:  # of hosted endpoints a passing trouble
            return BackendUnavailable(f"HTTP 500: {_said(body)}", backend="judge", operation=path)
        if isinstance(error, BackendUnavailable) and (hint := hint_s(reply.headers, now)) is not None:
            return Overloaded(str(error), retry_after_s=hint)
        return error

    def _remedy(self, status: int) -> str:
        if status == _NOT_FOUND:
            return "the address (--url) or the model (--model) is not the endpoint's"
        if not self._config.key:
            return "name the environment variable that holds its key with --key-env"
        return f"the key in {self._config.key_name} is not valid there"

    def _without_key(self, text: str) -> str:
        return text.replace(self._config.key, "***") if self._config.key else text


def _said(body: bytes) -> str:
    try:
        fields = read_json(body)
    except ValueError:
        fields = body.decode("utf-8", "replace").strip()
    error = fields.get("error", fields) if isinstance(fields, dict) else fields
    message = error.get("message", error) if isinstance(error, dict) else error
    return " ".join(str(message).split())[:300]


def _object(path: str, content: bytes) -> Mapping[str, Any]:
    try:
        body = read_json(content)
    except ValueError as error:
        message = f"the answer is not JSON ({error}): {content[:_SHOWN_BYTES]!r}"
        raise BackendProtocolError(message, backend="judge", operation=path) from error
    if not isinstance(body, dict):
        message = f"the answer is a JSON {type(body).__name__}, not an object"
        raise BackendProtocolError(message, backend="judge", operation=path)
    return body
