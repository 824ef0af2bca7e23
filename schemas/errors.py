"""The error tree. Whether a retry can help is a fact of the class; remedies are attributes.

    PrecisError
    ├── InvalidInput                    not retryable   422   dead letter, acknowledge
    │   ├── UnknownSchema
    │   ├── PostingTooLarge
    │   ├── PromptTooLong
    │   └── VersionConflict
    ├── ConfigurationError              not retryable   -     refuse to start
    ├── Overloaded(retry_after_s)       retryable       429   pause, resume, not acknowledged
    ├── DeadlineExceeded                not retryable   504   fallback document (nearline), partial answer (online)
    └── BackendError(backend, operation)                503   retry in a time budget, then pause, not acknowledged
        ├── BackendTimeout              retryable
        ├── BackendUnavailable          retryable
        └── BackendProtocolError        not retryable   502   run the canaries

Adapters translate foreign exceptions into these (``raise ... from``). ``serve.problems`` maps them to HTTP and
``stream.record`` to the nearline action; nobody else picks a status.
"""

from typing import ClassVar

__all__ = [
    "BackendError",
    "BackendProtocolError",
    "BackendTimeout",
    "BackendUnavailable",
    "ConfigurationError",
    "DeadlineExceeded",
    "InvalidInput",
    "Overloaded",
    "PostingTooLarge",
    "PrecisError",
    "PromptTooLong",
    "UnknownSchema",
    "VersionConflict",
]


class PrecisError(Exception):
    """Root of all errors that Précis raises on purpose."""

    retryable: ClassVar[bool] = False


class InvalidInput(PrecisError):
    """What came in can never be processed, however often it is tried.

    Attributes:
        field: Path of the offending field (``posting.title``), or None where the whole is meant.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnknownSchema(InvalidInput):
    """The event names a schema version that this build does not know."""


class PostingTooLarge(InvalidInput):
    """The posting exceeds the byte limit of one record."""


class PromptTooLong(InvalidInput):
    """A rendered prompt does not fit the model's context."""


class VersionConflict(InvalidInput):
    """Two different postings claim the same version of the same job."""


class ConfigurationError(PrecisError):
    """Settings contradict each other, or what they name is not there."""


class Overloaded(PrecisError):
    """The callee refused work for now.

    Attributes:
        retry_after_s: Its hint, in seconds.
    """

    retryable = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(PrecisError):
    """The time budget of the call was spent before it was done."""


class BackendError(PrecisError):
    """A store, a broker or an engine did not do what was asked.

    Attributes:
        backend: Which one (``summarizer``, ``ranker``, ``store``, ``kafka``).
        operation: What was asked of it.
    """

    def __init__(self, message: str, *, backend: str, operation: str) -> None:
        super().__init__(f"{backend} {operation}: {message}")
        self.backend = backend
        self.operation = operation


class BackendTimeout(BackendError):
    """No answer in time; a write may or may not have happened."""

    retryable = True


class BackendUnavailable(BackendError):
    """It could not be reached, or said that it cannot serve now."""

    retryable = True


class BackendProtocolError(BackendError):
    """It answered, but not in the agreed form: version skew or a bug."""
