"""Committed digests of jars."""

import hashlib
from pathlib import Path

import pytest

from ops.maven.lock import JarLock, differences
from schemas.errors import BackendProtocolError

A, B = "a" * 64, "b" * 64
LOCK_FILE = Path(__file__).resolve().parents[4] / "ops" / "kafka" / "jars.lock"


def test_the_committed_lock_names_the_broker_and_its_clients():
    """The lock that ships is readable and is of the version that pom.xml asks for."""
    lock = JarLock.parse(LOCK_FILE.read_text())
    version = "4.3.1"
    assert f"<version>{version}</version>" in LOCK_FILE.with_name("pom.xml").read_text()
    assert {f"kafka_2.13-{version}.jar", f"kafka-clients-{version}.jar"} <= lock.digests.keys()
    assert all(int(digest, 16) for digest in lock.digests.values())


@pytest.mark.parametrize("text", ["", "# nothing\n", "abc  a.jar", f"{A}  ../a.jar", f"{A} a.jar", f"{A}  "])
def test_a_lock_that_is_no_lock_is_refused(text):
    """A line in another form is never skipped: it would leave a jar unchecked."""
    with pytest.raises(ValueError, match="jar lock"):
        JarLock.parse(text)


def test_another_lock_has_another_name():
    """The folder of the jars goes by the whole lock, so that no other set is taken for it."""
    assert JarLock.parse(f"{A}  a.jar").short != JarLock.parse(f"{B}  a.jar").short


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"x.jar": A, "y.jar": B}, []),
        ({"x.jar": A}, ["y.jar is missing"]),
        ({"x.jar": A, "y.jar": B, "z.jar": A}, ["z.jar is not in the lock"]),
        ({"x.jar": B, "y.jar": B}, [f"x.jar has SHA-256 {B}, expected {A}"]),
    ],
)
def test_every_difference_is_named(found, said):
    """Missing, unexpected, different: each is one phrase."""
    assert differences({"x.jar": A, "y.jar": B}, found) == said


def test_a_changed_jar_is_refused_with_its_name(tmp_path):
    """The error says which jar, and what to do about it."""
    (tmp_path / "x.jar").write_bytes(b"genuine")
    lock = JarLock.parse(f"{hashlib.sha256(b'genuine').hexdigest()}  x.jar")
    lock.verify(tmp_path, "kafka")
    (tmp_path / "x.jar").write_bytes(b"forged")
    with pytest.raises(BackendProtocolError, match=r"x\.jar has SHA-256 .*~/\.m2"):
        lock.verify(tmp_path, "kafka")
