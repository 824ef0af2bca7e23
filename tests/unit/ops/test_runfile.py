"""Finding the running stack."""

import os

import pytest

from ops.runfile import RunFile, exclusive, read_run_file, resolve
from ops.settings import load_settings
from schemas.errors import ConfigurationError

RUN = RunFile(
    pid=os.getpid(),
    bootstrap="127.0.0.1:1",
    log_id="l",
    scorer_url="http://127.0.0.1:2",
    scorer_admin_url="http://127.0.0.1:6",
    nearline_url="http://127.0.0.1:3",
    summarizer_url="http://127.0.0.1:4",
    ranker_url="http://127.0.0.1:5",
)


def test_a_data_directory_is_held_by_one(tmp_path):
    """The second holder is refused and told what to do; after the first is gone the directory is free."""
    with exclusive(tmp_path), pytest.raises(ConfigurationError, match="in use"), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        RUN.write(tmp_path)
        assert read_run_file(tmp_path) == RUN
    with pytest.raises(ConfigurationError, match="precis up"):
        read_run_file(tmp_path)


def test_the_file_of_a_killed_stack_is_not_believed(tmp_path):
    """A run file whose process is gone means that nothing runs."""
    finished = os.fork()
    if finished == 0:
        os._exit(0)
    os.waitpid(finished, 0)
    RUN.model_copy(update={"pid": finished}).write(tmp_path)
    with pytest.raises(ConfigurationError, match="no embedded stack"):
        read_run_file(tmp_path)


def test_addresses_come_from_the_stack_or_from_the_settings(tmp_path, monkeypatch):
    """Embedded: the run file. External: the settings."""
    monkeypatch.chdir(tmp_path)
    settings = load_settings(data_dir=tmp_path)
    RUN.write(tmp_path)
    assert resolve(settings) == ("127.0.0.1:1", "l", "http://127.0.0.1:2")
    external = load_settings(
        profile="external",
        kafka={"bootstrap": "k:9092", "log_id": "prod"},
        summarizer=settings.summarizer.model_copy(update={"url": "http://s"}),
        ranker=settings.ranker.model_copy(update={"url": "http://r"}),
    )
    assert resolve(external) == ("k:9092", "prod", "http://127.0.0.1:8080")
