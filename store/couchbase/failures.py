"""What the SDK's exceptions mean here."""

from collections.abc import Iterator
from contextlib import contextmanager

from couchbase.exceptions import (
    AmbiguousTimeoutException,
    AuthenticationException,
    CouchbaseException,
    DocumentLockedException,
    DurabilityImpossibleException,
    DurabilitySyncWriteAmbiguousException,
    DurabilitySyncWriteInProgressException,
    MissingConnectionException,
    QuotaLimitedException,
    RateLimitedException,
    RequestCanceledException,
    ServiceUnavailableException,
    TemporaryFailException,
    TimeoutException,
    UnAmbiguousTimeoutException,
)
from pydantic import ValidationError

from schemas.errors import BackendError, BackendProtocolError, BackendTimeout, BackendUnavailable

__all__ = ["translated", "translation"]

# Siblings in the SDK, not one class. Durability ambiguous: the write may or may not be durable, as a timeout says.
_TIMEOUTS = (
    AmbiguousTimeoutException,
    DurabilitySyncWriteAmbiguousException,
    TimeoutException,
    UnAmbiguousTimeoutException,
)
_UNAVAILABLE = (
    AuthenticationException,
    DocumentLockedException,
    DurabilityImpossibleException,
    DurabilitySyncWriteInProgressException,
    MissingConnectionException,
    QuotaLimitedException,
    RateLimitedException,
    RequestCanceledException,
    ServiceUnavailableException,
    TemporaryFailException,
)


def translation(error: CouchbaseException, operation: str) -> BackendError:
    """This project's error for one of the SDK's. Lost compare-and-swaps are outcomes and do not come here."""
    message = f"{type(error).__name__}: {error.message or 'no details'}"
    if isinstance(error, _TIMEOUTS):
        return BackendTimeout(message, backend="store", operation=operation)
    if isinstance(error, _UNAVAILABLE):
        return BackendUnavailable(message, backend="store", operation=operation)
    return BackendProtocolError(message, backend="store", operation=operation)


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Foreign exceptions of the block as this project's."""
    try:
        yield
    except CouchbaseException as error:
        raise translation(error, operation) from error
    except ValidationError as error:
        message = f"a stored document does not fit this build: {error}"
        raise BackendProtocolError(message, backend="store", operation=operation) from error
