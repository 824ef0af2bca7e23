"""What the SDK's exceptions mean here."""

from collections.abc import Iterator
from contextlib import contextmanager

from couchbase.exceptions import (
    AmbiguousTimeoutException,
    AuthenticationException,
    BucketNotFoundException,
    CollectionNotFoundException,
    CouchbaseException,
    DocumentLockedException,
    DurabilityImpossibleException,
    DurabilitySyncWriteAmbiguousException,
    DurabilitySyncWriteInProgressException,
    MissingConnectionException,
    QuotaLimitedException,
    RateLimitedException,
    RequestCanceledException,
    ScopeNotFoundException,
    ServiceUnavailableException,
    TemporaryFailException,
    TimeoutException,
    UnAmbiguousTimeoutException,
)
from pydantic import ValidationError

from schemas.errors import BackendError, BackendProtocolError, BackendTimeout, BackendUnavailable

__all__ = ["Contended", "is_outage", "translated", "translation"]

# Siblings in the SDK, not one class. Two more say what a timeout says, that a write may or may not have happened:
# durability ambiguous, and canceled, which is what becomes of a request on a connection that breaks.
_TIMEOUTS = (
    AmbiguousTimeoutException,
    DurabilitySyncWriteAmbiguousException,
    RequestCanceledException,
    TimeoutException,
    UnAmbiguousTimeoutException,
)
# A bucket or collection that was there and is gone says nothing of the document: it must not cost a dead letter.
_UNAVAILABLE = (
    AuthenticationException,
    BucketNotFoundException,
    CollectionNotFoundException,
    DocumentLockedException,
    DurabilityImpossibleException,
    DurabilitySyncWriteInProgressException,
    MissingConnectionException,
    QuotaLimitedException,
    RateLimitedException,
    ScopeNotFoundException,
    ServiceUnavailableException,
    TemporaryFailException,
)
_OF_ONE_DOCUMENT = (DocumentLockedException, DurabilitySyncWriteInProgressException)


class Contended(BackendTimeout):
    """Other writers of one document came first, every time: the backend is well."""


def translation(error: CouchbaseException, operation: str) -> BackendError:
    """This project's error for one of the SDK's. Lost compare-and-swaps are outcomes and do not come here."""
    message = f"{type(error).__name__}: {error.message or 'no details'}"
    if isinstance(error, _TIMEOUTS):
        return BackendTimeout(message, backend="store", operation=operation)
    if isinstance(error, _UNAVAILABLE):
        return BackendUnavailable(message, backend="store", operation=operation)
    return BackendProtocolError(message, backend="store", operation=operation)


def is_outage(error: BaseException) -> bool:
    """Whether an error of a call says that the backend cannot serve, not that this one document cannot be had.

    Lost compare-and-swaps, missing and bad documents are answers; so is a document that others hold or contend for.
    """
    if isinstance(error, Contended) or isinstance(error.__cause__, _OF_ONE_DOCUMENT):
        return False
    return isinstance(error, (BackendTimeout, BackendUnavailable))


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
