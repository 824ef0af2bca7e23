"""Errors of the engine, and the HTTP status each one becomes.

EngineError
|-- StartError            the process ends with exit code 2
|   |-- BundleError       a file of the bundle is missing, broken or of another architecture
|   `-- AddressError      the host and port cannot be bound
`-- RequestError          one request fails, the engine goes on
    |-- InvalidRequest    400  the caller must change the request
    |   `-- MalformedRequest  422  a field is missing or of the wrong type
    |-- RequestTooLarge   413  the body is over the limit
    |-- Overloaded        429  retryable after ``retry_after_s``
    |-- ClientGone        499  nobody reads the answer
    |-- NumericalFault    500  the model gave NaN or infinity
    |-- InternalFault     500  a bug, or memory ran out
    |-- NotReady          503  loading, failed or shutting down
    `-- DeadlineExceeded  504  the caller's budget is spent
"""

from __future__ import annotations

from typing import ClassVar


class EngineError(Exception):
    """Anything the engine raises on purpose."""


class StartError(EngineError):
    """The engine cannot start; the message names the file or the address."""


class BundleError(StartError):
    """A file of the bundle is missing, broken or not a model this engine runs."""


class AddressError(StartError):
    """The address cannot be bound."""


class RequestError(EngineError):
    """One request failed; the class says with which HTTP status."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False
    retry_after_s: int | None = None
    """Seconds the caller should wait, where the engine has an opinion."""


class InvalidRequest(RequestError):
    """The request can never succeed as it is."""

    status = 400
    kind = "invalid_request_error"


class MalformedRequest(InvalidRequest):
    """A field is missing or of the wrong type."""

    status = 422


class RequestTooLarge(RequestError):
    """The body exceeds ``max_body_bytes``."""

    status = 413
    kind = "request_too_large"


class Overloaded(RequestError):
    """The queue is full, in tokens."""

    status = 429
    kind = "overloaded"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        """Keep the hint that becomes the ``Retry-After`` header."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ClientGone(RequestError):
    """The connection closed before the answer; the status is for the log only."""

    status = 499
    kind = "client_gone"


class NumericalFault(RequestError):
    """The model produced NaN or infinity: a score from it would be a lie."""

    kind = "numerical_fault"


class InternalFault(RequestError):
    """The computation failed in a way nobody foresaw."""


class NotReady(RequestError):
    """Loading, failed to load, or shutting down."""

    status = 503
    kind = "not_ready"
    retryable = True
    retry_after_s = 1


class DeadlineExceeded(RequestError):
    """The budget of ``x-request-deadline-ms`` ran out."""

    status = 504
    kind = "deadline_exceeded"
