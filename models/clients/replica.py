"""One engine server: whether it may be asked now, one try of a request, and which model gave the answer.

Not asked is a server
    - before the time that it named in ``Retry-After`` (429 and 503), or that a refusal without one stands for;
    - while its circuit is open: it did not answer several times in a row, and one call at a time tries it.
"""

import asyncio
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp

from models.clients.config import TransportConfig
from models.clients.pool import Pool, Reply
from models.clients.statuses import error_of, hint_s
from schemas.canonical import read_json
from schemas.circuit import BreakerState, Circuit, abandoned, admitted, answered, failed
from schemas.deadline import Deadline
from schemas.errors import (
    BackendError,
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    DeadlineExceeded,
    InvalidInput,
    Overloaded,
    PrecisError,
)

__all__ = ["Answer", "Replica"]

_REVISION_HEADER = "x-precis-revision"
_REVISION_READS = 3
_OK = 200
_NUMBERS = count()
_PROCESS = uuid4().hex[:12]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with status 200.

    Attributes:
        body: Its JSON object.
        revision: Revision of the model that gave it: of the replica that answered.
    """

    body: Mapping[str, Any]
    revision: str


class Replica:
    """May be used concurrently, by the tasks of one event loop.

    The revision of an answer is its header ``x-precis-revision``. Servers without it (vLLM, SGLang) are asked for the
    name of their model after every new connection, since a restart with another model closes the old ones; behind one
    address must then stand one process, and its served name must tell the weights apart.

    Attributes:
        url: Its address.
        outstanding_tokens: Of the requests that it has not answered.
    """

    def __init__(self, url: str, config: TransportConfig, *, backend: str) -> None:
        """Connect to nothing yet.

        Args:
            url: Scheme, host and port.
            config: How it is reached.
            backend: Its name in errors (``summarizer``, ``ranker``).
        """
        self.url = url
        self.outstanding_tokens = 0
        self._config = config
        self._backend = backend
        self._pool = Pool(
            url,
            max_connections=config.max_connections,
            keepalive_s=config.keepalive_s,
            connect_timeout_s=config.connect_timeout_s,
        )
        self._circuit = Circuit()
        self._not_before_s = -math.inf
        self._is_overloaded = False
        self._is_closed = False
        self._revision: str | None = None
        self._revision_at_num_opened = -1
        self._revision_lock = asyncio.Lock()

    @property
    def breaker_state(self) -> BreakerState:
        """Whether it answers, as far as calls have shown."""
        return self._circuit.state

    def may_be_asked(self, now_s: float) -> bool:
        """Whether a request may be sent now; ``now_s`` is of the monotonic clock."""
        return now_s >= self._not_before_s and admitted(self._circuit, now_s) is not None

    def refusal(self, operation: str, now_s: float) -> PrecisError:
        """Why no request may be sent now."""
        wait_s = self._not_before_s - now_s
        if wait_s > 0 and self._is_overloaded:
            message = f"{self._backend} {operation}: {self.url} refused work and named a time that has not come"
            return Overloaded(message, retry_after_s=wait_s)
        if wait_s > 0:
            message = f"{self.url} asked not to be tried for another {wait_s:.1f} s"
        else:
            wait_s = max(0.0, self._circuit.retry_at_s - now_s)
            when = f"the next try is in {wait_s:.1f} s" if wait_s else "one call is under way to see whether it does"
            message = f"{self.url} did not answer several times in a row; {when}"
        return BackendUnavailable(message, backend=self._backend, operation=operation)

    async def request(
        self, method: str, path: str, content: bytes | None, deadline: Deadline, *, tokens: int = 0
    ) -> tuple[Reply, Mapping[str, Any]]:
        """One try.

        Raises:
            PrecisError: As ``EngineTransport.post``.
        """
        now_s = time.monotonic()
        if (circuit := admitted(self._circuit, now_s)) is None:
            raise self.refusal(path, now_s)
        self._circuit, epoch = circuit, circuit.epoch
        self.outstanding_tokens += tokens
        try:
            reply = await self._sent(method, path, content, deadline)
            if reply.status != _OK:
                raise self._failure(path, reply)
            body = self._object(path, reply.body)
        except (BackendTimeout, BackendUnavailable):
            self._circuit = failed(self._circuit, epoch, time.monotonic(), self._config.breaker)
            raise
        except (BackendProtocolError, InvalidInput, Overloaded):
            self._circuit = answered(self._circuit, epoch)
            raise
        except BaseException:  # the deadline, or the caller left
            self._circuit = abandoned(self._circuit, epoch, time.monotonic())
            raise
        finally:
            self.outstanding_tokens -= tokens
        self._circuit = answered(self._circuit, epoch)
        return reply, body

    async def post(self, path: str, content: bytes, deadline: Deadline, *, tokens: int) -> Answer:
        """One try of a request with JSON content; the answer with the revision that gave it.

        Raises:
            PrecisError: As ``EngineTransport.post``.
        """
        reply, body = await self.request("POST", path, content, deadline, tokens=tokens)
        if revision := reply.headers.get(_REVISION_HEADER):
            return Answer(body, revision)
        async with self._revision_lock:
            if self._revision is None or self._revision_at_num_opened != self._pool.num_opened:
                return Answer(body, await self.read_revision(deadline))
            return Answer(body, self._revision)

    async def read_revision(self, deadline: Deadline) -> str:
        """Revision of the model that is loaded now: of ``GET /info``, else the name in ``/v1/models``.

        Raises:
            PrecisError: As ``EngineTransport.post``.
        """
        for _ in range(_REVISION_READS):
            # A connection that opened meanwhile may lead to another process: the reading counts only where none did.
            num_opened = self._pool.num_opened
            self._revision = await self._named_revision(deadline)
            self._revision_at_num_opened = num_opened
            if num_opened == self._pool.num_opened:
                break
        assert self._revision is not None
        return self._revision

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        self._is_closed = True
        await self._pool.close()

    async def _named_revision(self, deadline: Deadline) -> str:
        with suppress(BackendProtocolError):  # vLLM and SGLang have no such route
            _, info = await self.request("GET", "/info", None, deadline)
            if "revision" in info:
                if isinstance(revision := info["revision"], str):
                    return revision
                raise BackendUnavailable("the model is not loaded yet", backend=self._backend, operation="/info")
        _, body = await self.request("GET", "/v1/models", None, deadline)
        match body:
            case {"data": [{"id": str(name)}, *_]} if name:
                return name
        raise self._protocol_error("/v1/models", "the model list has no first entry with an id")

    async def _sent(self, method: str, path: str, content: bytes | None, deadline: Deadline) -> Reply:
        deadline.check(f"{self._backend} {path}")
        if self._is_closed:
            raise BackendUnavailable("the client is closed", backend=self._backend, operation=path)
        budget_s = deadline.remaining_s()
        headers = {
            "content-type": "application/json",
            "x-request-deadline-ms": str(math.ceil(budget_s * 1000)),
            # vLLM names the request by it in its log, and takes each name once: a try has its own.
            "x-request-id": f"{_PROCESS}-{next(_NUMBERS)}",
        }
        try:
            # One limit for all phases; passing it cancels the request and closes its connection.
            async with asyncio.timeout(budget_s):
                return await self._pool.send(method, path, content, headers)
        except TimeoutError as error:
            if isinstance(error, aiohttp.ClientError):
                message = f"no connection to {self.url} within {self._config.connect_timeout_s} s"
                raise BackendTimeout(message, backend=self._backend, operation=path) from error
            raise DeadlineExceeded(f"deadline passed while {self._backend} {path} worked") from error
        except aiohttp.ClientError as error:
            message = f"{self.url}: {type(error).__name__}: {error}"
            if isinstance(error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
                raise BackendUnavailable(message, backend=self._backend, operation=path) from error
            raise BackendProtocolError(message, backend=self._backend, operation=path) from error

    def _failure(self, path: str, reply: Reply) -> PrecisError:
        now = datetime.now(UTC)
        error = error_of(reply.status, reply.headers, reply.body, backend=self._backend, operation=path, now=now)
        wait_s = error.retry_after_s if isinstance(error, Overloaded) else None
        if wait_s is None and isinstance(error, BackendUnavailable):
            wait_s = hint_s(reply.headers, now)
        if wait_s is not None:
            self._not_before_s = time.monotonic() + wait_s
            self._is_overloaded = isinstance(error, Overloaded)
        return error

    def _object(self, path: str, content: bytes) -> Mapping[str, Any]:
        try:
            body = read_json(content)
        except ValueError as error:
            raise self._protocol_error(path, f"the answer is not JSON ({error}): {content[:80]!r}") from error
        if not isinstance(body, dict):
            raise self._protocol_error(path, f"the answer is a JSON {type(body).__name__}, not an object")
        return body

    def _protocol_error(self, path: str, message: str) -> BackendError:
        return BackendProtocolError(message, backend=self._backend, operation=path)
