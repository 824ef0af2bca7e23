"""The folder of some jars: complete or not there, whatever happens while it is made."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ops.maven.jars import Jars, fetch_with_maven, fetched
from ops.maven.lock import JarLock
from schemas.errors import BackendProtocolError, ConfigurationError

JAR = b"the jar"
LOCK = JarLock.parse(f"{hashlib.sha256(JAR).hexdigest()}  the.jar\n")
JARS = Jars("jars", "the jars of a test", Path("pom.xml"), LOCK)


class Repository:
    """Stands for Maven: puts the jars there, and counts how often it was asked."""

    def __init__(self, content=JAR):
        self.content = content
        self.num_fetches = 0

    def fetch(self, folder):
        self.num_fetches += 1
        assert list(folder.iterdir()) == [], "a fetch begins with an empty folder"
        (folder / "the.jar").write_bytes(self.content)


def test_jars_are_fetched_once(tmp_path):
    """A complete folder is used as it is."""
    repository = Repository()
    first = fetched(tmp_path, JARS, fetch=repository.fetch)
    assert fetched(tmp_path, JARS, fetch=repository.fetch) == first
    assert (first / "the.jar").read_bytes() == JAR
    assert repository.num_fetches == 1


def test_an_interrupted_fetch_is_never_taken_for_a_complete_one(tmp_path):
    """What a killed process left behind has no stamp: it is removed and fetched again."""

    def interrupted(folder):
        (folder / "half.jar").write_bytes(b"ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetched(tmp_path, JARS, fetch=interrupted)
    folder = fetched(tmp_path, JARS, fetch=Repository().fetch)
    assert [jar.name for jar in folder.glob("*.jar")] == ["the.jar"]


def test_forged_jars_are_refused_every_time(tmp_path):
    """A mismatch is an error and leaves no stamp; the genuine jars are taken afterwards."""
    for _ in range(2):
        with pytest.raises(BackendProtocolError, match=r"the\.jar has SHA-256"):
            fetched(tmp_path, JARS, fetch=Repository(b"forged").fetch)
    fetched(tmp_path, JARS, fetch=Repository().fetch)


def test_two_at_once_fetch_once(tmp_path):
    """The second waits for the first and finds the work done."""
    repository, second_asks = Repository(), threading.Event()

    def slowly(folder):
        assert second_asks.wait(30)
        repository.fetch(folder)

    def second():
        second_asks.set()
        return fetched(tmp_path, JARS, fetch=repository.fetch)

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(fetched, tmp_path, JARS, fetch=slowly), pool.submit(second)]
        assert len({answer.result(30) for answer in answers}) == 1
    assert repository.num_fetches == 1


def test_without_maven_the_error_names_the_packages(tmp_path, monkeypatch):
    """A bare machine learns what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"jars of a test are .*: apt install maven openjdk-17-jre-headless"):
        fetch_with_maven(tmp_path, JARS)
