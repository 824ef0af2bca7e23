"""The stand-in as a process: it says what it is, ends when told, and lets nobody in who does not know the password."""

import subprocess
from pathlib import Path

import pytest
from couchbase.auth import PasswordAuthenticator
from couchbase.cluster import Cluster
from couchbase.collection import Collection
from couchbase.exceptions import AuthenticationException, UnAmbiguousTimeoutException
from couchbase.options import ClusterOptions

from ops.settings import PROJECT_ROOT
from ops.standin import Fault, KvStandIn
from schemas.errors import BackendUnavailable
from tests.integration.standin.clients import Connect


def test_it_says_that_it_is_test_equipment(standin: KvStandIn) -> None:
    """In the first line of its log, lest anybody take it for a database."""
    assert "TEST EQUIPMENT, not Couchbase Server" in standin.log_file.read_text().splitlines()[0]


def test_sigterm_ends_it_cleanly_and_it_starts_again(standin: KvStandIn, collection: Collection) -> None:
    """Exit status 0, the port free at once, the client's connection found again without being opened anew."""
    collection.upsert("key", 1)
    first_pid = standin.pid
    assert standin.stop() == 0
    assert standin.stop() == 0
    standin.start()
    assert standin.pid != first_pid
    assert collection.get("key").content_as[int] == 1


def test_a_pause_keeps_connections_and_loses_nothing(standin: KvStandIn, connect: Connect) -> None:
    """Paused longer than an operation waits: a timeout; resumed: the same connection goes on."""
    impatient, patient = connect(timeout_s=0.3), connect(timeout_s=30)
    impatient.upsert("key", 1)
    standin.pause()
    with pytest.raises(UnAmbiguousTimeoutException):
        impatient.get("key")
    standin.resume()
    assert patient.get("key").content_as[int] == 1


def test_a_wrong_password_is_refused(standin: KvStandIn) -> None:
    """By the key-value service; also for a user that there is not."""
    for username, password in ((standin.username, "wrong"), ("nobody", standin.password)):
        with pytest.raises(AuthenticationException):
            Cluster.connect(standin.connection_string, ClusterOptions(PasswordAuthenticator(username, password)))


def test_one_folder_has_one_process(standin: KvStandIn) -> None:
    """A second one says so and ends."""
    folder = standin.log_file.parent
    other = KvStandIn(folder)
    done = subprocess.run(other.command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "open in another process" in done.stderr


def test_a_port_in_use_is_a_clear_failure(standin: KvStandIn, tmp_path: Path) -> None:
    """The error names the process's log and has its end."""
    other = KvStandIn(tmp_path / "other", port=standin.port)
    with pytest.raises(BackendUnavailable, match="ended with exit code 1"):
        other.start()


def test_a_fault_hits_what_it_names_as_often_as_it_says(standin: KvStandIn, connect: Connect) -> None:
    """The test equipment of the tests: one key, one operation, twice."""
    collection = connect(timeout_s=0.3)
    collection.upsert_multi({"key-1": 1, "key-2": 2})
    standin.inject(Fault(operation="GET", key="key-1", is_silent=True, times=2))
    assert collection.get("key-2").content_as[int] == 2
    for _ in range(2):
        with pytest.raises(UnAmbiguousTimeoutException):
            collection.get("key-1")
    assert collection.get("key-1").content_as[int] == 1


@pytest.mark.parametrize("wrong", [{"operation": "FETCH"}, {"status": "BROKEN"}])
def test_a_fault_that_means_nothing_is_refused(wrong: dict[str, str]) -> None:
    """A test must not pass because its fault was misspelt."""
    with pytest.raises(ValueError, match="is none of"):
        Fault(**wrong)
