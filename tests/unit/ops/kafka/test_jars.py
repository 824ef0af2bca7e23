"""The folder of Kafka's jars: complete or not there, whatever happens while it is made."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ops.kafka.jars import fetch_with_maven, kafka_jars
from schemas.errors import BackendProtocolError, ConfigurationError

JAR = b"the jar"
LOCK = f"{hashlib.sha256(JAR).hexdigest()}  kafka.jar\n"


class Repository:
    """Stands for Maven: puts the jars there, and counts how often it was asked."""

    def __init__(self, content=JAR):
        self.content = content
        self.num_fetches = 0

    def fetch(self, folder):
        self.num_fetches += 1
        assert list(folder.iterdir()) == [], "a fetch begins with an empty folder"
        (folder / "kafka.jar").write_bytes(self.content)


def test_jars_are_fetched_once(tmp_path):
    """A complete folder is used as it is."""
    repository = Repository()
    first = kafka_jars(tmp_path, fetch=repository.fetch, lock_text=LOCK)
    assert kafka_jars(tmp_path, fetch=repository.fetch, lock_text=LOCK) == first
    assert (first / "kafka.jar").read_bytes() == JAR
    assert repository.num_fetches == 1


def test_an_interrupted_fetch_is_never_taken_for_a_complete_one(tmp_path):
    """What a killed process left behind has no stamp: it is removed and fetched again."""

    def interrupted(folder):
        (folder / "half.jar").write_bytes(b"ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kafka_jars(tmp_path, fetch=interrupted, lock_text=LOCK)
    folder = kafka_jars(tmp_path, fetch=Repository().fetch, lock_text=LOCK)
    assert [jar.name for jar in folder.glob("*.jar")] == ["kafka.jar"]


def test_forged_jars_are_refused_every_time(tmp_path):
    """A mismatch is an error and leaves no stamp; the genuine jars are taken afterwards."""
    for _ in range(2):
        with pytest.raises(BackendProtocolError, match=r"kafka\.jar has SHA-256"):
            kafka_jars(tmp_path, fetch=Repository(b"forged").fetch, lock_text=LOCK)
    kafka_jars(tmp_path, fetch=Repository().fetch, lock_text=LOCK)


def test_two_at_once_fetch_once(tmp_path):
    """The second waits for the first and finds the work done."""
    repository, second_asks = Repository(), threading.Event()

    def slowly(folder):
        assert second_asks.wait(30)
        repository.fetch(folder)

    def second():
        second_asks.set()
        return kafka_jars(tmp_path, fetch=repository.fetch, lock_text=LOCK)

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(kafka_jars, tmp_path, fetch=slowly, lock_text=LOCK), pool.submit(second)]
        assert len({answer.result(30) for answer in answers}) == 1
    assert repository.num_fetches == 1


def test_without_maven_the_error_names_the_packages(tmp_path, monkeypatch):
    """A bare machine learns what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"apt install maven openjdk-17-jre-headless"):
        fetch_with_maven(tmp_path)
