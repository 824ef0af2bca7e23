"""The profile local-real: addresses from the run file of `precis stack up`."""

import json
import os

import pytest

from ops.runfile import RunFile, require_index, require_stack, resolve, with_engines
from ops.settings import load_settings
from schemas.errors import ConfigurationError

ADDRESSES = {
    "kafka": {"bootstrap": "127.0.0.1:1", "log_id": "cluster"},
    "topics": {"replication_factor": 3},
    "store": {
        "kind": "couchbase",
        "couchbase": {"url": "couchbase://127.0.0.1:2", "username": "u", "password": "p", "bucket": "b"},
    },
}
RUN = RunFile(
    pid=os.getpid(),
    bootstrap="127.0.0.1:1",
    log_id="cluster",
    scorer_url="http://127.0.0.1:12",
    scorer_admin_url="http://127.0.0.1:6",
    nearline_url="http://127.0.0.1:13",
    summarizer_url="http://127.0.0.1:14",
    ranker_url="http://127.0.0.1:15",
)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    """No settings of the machine reach the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PRECIS_CONFIG", raising=False)


@pytest.fixture
def running(tmp_path):
    """A data directory on which a stack runs."""
    (tmp_path / "stack.json").write_text(json.dumps({"settings": ADDRESSES}))
    return tmp_path


def local_real(data_dir, **more):
    return load_settings(profile="local-real", data_dir=data_dir, **more)


def test_broker_and_store_come_from_the_running_stack(running):
    """No address has to be given."""
    settings = local_real(running)
    require_stack(settings)
    assert (settings.kafka.bootstrap, settings.kafka.log_id) == ("127.0.0.1:1", "cluster")
    assert (settings.store.kind, settings.store.couchbase.url) == ("couchbase", "couchbase://127.0.0.1:2")
    assert settings.store.couchbase.password.get_secret_value() == "p"
    assert settings.topics.replication_factor == 3


def test_what_is_said_elsewhere_wins_and_the_rest_still_comes_from_the_stack(running, monkeypatch):
    """One field of a section does not take the others away."""
    monkeypatch.setenv("PRECIS_KAFKA__GROUP", "another")
    monkeypatch.setenv("PRECIS_STORE__KIND", "sqlite")
    settings = local_real(running)
    assert (settings.kafka.group, settings.kafka.bootstrap) == ("another", "127.0.0.1:1")
    assert settings.store.kind == "sqlite"


def test_profile_and_folder_may_come_from_the_environment(running, monkeypatch):
    """As a shell sets them."""
    monkeypatch.setenv("PRECIS_PROFILE", "local-real")
    monkeypatch.setenv("PRECIS_DATA_DIR", str(running))
    assert load_settings().kafka.bootstrap == "127.0.0.1:1"


def test_other_profiles_do_not_read_it(running):
    """A stack that runs beside the embedded profile is none of its business."""
    assert load_settings(data_dir=running).kafka.bootstrap == ""


def test_without_a_stack_the_remedy_is_said(tmp_path):
    """Nothing is taken for an address; the error says what to start and where it was looked for."""
    settings = local_real(tmp_path)
    for look in (require_stack, resolve):
        with pytest.raises(ConfigurationError, match="precis stack up"):
            look(settings)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": 3}'])
def test_a_broken_run_file_is_reported(tmp_path, content):
    """No traceback; the error names the file."""
    (tmp_path / "stack.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"stack\.json"):
        local_real(tmp_path)


def test_full_text_search_is_refused_where_the_store_has_none(running):
    """Said before anything is asked, with what works instead."""
    with pytest.raises(ConfigurationError, match=r"full-text search.*precis score"):
        require_index(local_real(running))
    require_index(local_real(running, store={"kind": "sqlite"}))


def test_engines_come_from_precis_up_unless_given(running):
    """A second worker by hand uses the engines that run already."""
    with pytest.raises(ConfigurationError, match="precis up"):
        with_engines(local_real(running))
    RUN.write(running)
    chosen = with_engines(local_real(running, ranker={"url": "http://mine", "bundle": running}))
    assert (chosen.summarizer.url, chosen.ranker.url) == ("http://127.0.0.1:14", "http://mine")


def test_the_scorer_is_that_of_precis_up_on_this_stack(running):
    """Where none runs on this broker, the address is that of the settings."""
    assert resolve(local_real(running))[2] == "http://127.0.0.1:8080"
    RUN.write(running)
    assert resolve(local_real(running))[2] == "http://127.0.0.1:12"
    RUN.model_copy(update={"bootstrap": "127.0.0.1:9"}).write(running)
    assert resolve(local_real(running))[2] == "http://127.0.0.1:8080"
