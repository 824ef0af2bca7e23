"""What the Couchbase SDK's exceptions mean here, and which addresses are taken."""

import couchbase.exceptions
import pytest
from couchbase.exceptions import CouchbaseException
from pydantic import TypeAdapter

from schemas.errors import (
    BackendError,
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    ConfigurationError,
)
from store.couchbase.config import CouchbaseConfig
from store.couchbase.failures import Contended, is_outage, translated, translation


def sdk_classes() -> dict[str, type[CouchbaseException]]:
    """Every exception class of the installed SDK, by name."""
    found = vars(couchbase.exceptions).items()
    return {name: kind for name, kind in found if isinstance(kind, type) and issubclass(kind, CouchbaseException)}


def of(name: str) -> BackendError:
    """The translation of an instance."""
    return translation(sdk_classes()[name](message="said"), "put")


def test_every_timeout_of_the_sdk_is_a_timeout() -> None:
    """They have no common base class; a new one in the next SDK is noticed here."""
    names = {name for name in sdk_classes() if name.endswith("TimeoutException") and not name.startswith("WatchQuery")}
    assert names >= {"AmbiguousTimeoutException", "UnAmbiguousTimeoutException"}
    assert {type(of(name)) for name in names} == {BackendTimeout}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DurabilitySyncWriteAmbiguousException", BackendTimeout),
        ("DurabilityImpossibleException", BackendUnavailable),
        ("DurabilitySyncWriteInProgressException", BackendUnavailable),
        ("TemporaryFailException", BackendUnavailable),
        ("RequestCanceledException", BackendTimeout),
        ("CollectionNotFoundException", BackendUnavailable),
        ("ScopeNotFoundException", BackendUnavailable),
        ("AuthenticationException", BackendUnavailable),
        ("DocumentNotJsonException", BackendProtocolError),
        ("InvalidArgumentException", BackendProtocolError),
        ("InternalServerFailureException", BackendProtocolError),
    ],
)
def test_exceptions_mean_what_a_caller_can_act_on(name: str, expected: type[BackendError]) -> None:
    """Unknown outcome, not now, never like this; with the SDK's own words."""
    error = of(name)
    assert type(error) is expected
    assert str(error) == f"store put: {name}: said"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("UnAmbiguousTimeoutException", True),
        ("AmbiguousTimeoutException", True),
        ("RequestCanceledException", True),
        ("DurabilityImpossibleException", True),
        ("DurabilitySyncWriteAmbiguousException", True),
        ("TemporaryFailException", True),
        ("ServiceUnavailableException", True),
        ("AuthenticationException", True),
        ("DocumentLockedException", False),
        ("DurabilitySyncWriteInProgressException", False),
        ("InternalServerFailureException", False),
        ("InvalidArgumentException", False),
    ],
)
def test_only_what_the_backend_cannot_do_for_anybody_is_an_outage(name: str, expected: bool) -> None:
    """A circuit breaker counts these; what is wrong with one document is an answer."""
    with pytest.raises(BackendError) as caught, translated("put"):
        raise sdk_classes()[name](message="said")
    assert is_outage(caught.value) is expected


def test_contention_is_no_outage() -> None:
    """A posting that others go on writing says that the backend is well."""
    assert not is_outage(Contended("32 others came first", backend="store", operation="put_posting"))
    assert not is_outage(ValueError("a bug of ours"))


def test_a_document_of_another_form_is_a_protocol_error() -> None:
    """Stored by a build that does not fit."""
    with pytest.raises(BackendProtocolError, match="does not fit this build"), translated("get"):
        TypeAdapter(int).validate_json('"x"')


def test_an_address_is_read_into_its_parts() -> None:
    """User and password are taken out of it, and the password does not show in the config's text."""
    config = CouchbaseConfig.from_url("couchbase://me%40x:s%2Fcret@host1:11210,host2/jobs?enable_compression=false")
    assert config.connection_string == "couchbase://host1:11210,host2?enable_compression=false"
    assert (config.username, config.password, config.bucket) == ("me@x", "s/cret", "jobs")
    assert "cret" not in repr(config)


@pytest.mark.parametrize(
    "url",
    ["", "couchbase://host/jobs", "couchbase://me@host/jobs", "couchbase://me:pw@host", "http://me:pw@host/jobs"],
)
def test_an_incomplete_address_is_refused_without_its_password(url: str) -> None:
    """The message says what is wanted and repeats no secret."""
    with pytest.raises(ConfigurationError) as caught:
        CouchbaseConfig.from_url(url)
    assert "pw" not in str(caught.value)
