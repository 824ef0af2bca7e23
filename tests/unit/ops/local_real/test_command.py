"""`precis stack` where there is nothing to start or stop."""

import json

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.local_real import require_running
from ops.local_real.parts import PartRecord
from ops.settings import load_settings
from schemas.errors import BackendUnavailable

RECORDS = [
    PartRecord("kv-stand-in", "127.0.0.1:2", "http://127.0.0.1:2/pools", "d", "l", 10.0, note="not Couchbase"),
    PartRecord("kafka-0", "127.0.0.1:1", "kafka://127.0.0.1:1/0", "d", "l", 15.0),
]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    """No settings of the machine reach the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PRECIS_CONFIG", raising=False)


@pytest.fixture
def stopped(tmp_path):
    """A stack that was stopped, or whose processes are gone since the machine was restarted."""
    folder = tmp_path / ".precis" / "stack"
    folder.mkdir(parents=True)
    for record in RECORDS:
        record.write(folder)
    return folder


def stack(*arguments):
    return CliRunner().invoke(app, ["stack", *arguments])


def test_without_a_stack_status_says_how_to_start_one():
    """An empty folder is not an error to look at; the exit status tells a script."""
    answer = stack("status")
    assert answer.exit_code == 3
    assert "precis stack up" in answer.stdout


def test_a_stopped_stack_is_described(stopped):
    """Where its data and logs are, brokers first, and what it must not be taken for."""
    answer = stack("status", "--json")
    found = json.loads(answer.stdout)
    assert (answer.exit_code, found["running"], found["run_file"]) == (3, False, None)
    assert [(part["name"], part["state"], part["pid"]) for part in found["parts"]] == [
        ("kafka-0", "stopped", None),
        ("kv-stand-in", "stopped", None),
    ]
    assert "not Couchbase" in stack("status").stdout


def test_stopping_what_does_not_run_is_no_error(stopped):
    """Idempotent, and the run file of a machine that was switched off is removed."""
    (stopped.parent / "stack.json").write_text("{}")
    assert stack("down").exit_code == 0
    assert not (stopped.parent / "stack.json").exists()


def test_only_one_or_three_brokers():
    """Two would have no majority without both."""
    answer = stack("up", "--brokers", "5")
    assert answer.exit_code == 2


def test_services_are_not_started_on_a_stack_that_does_not_run(stopped):
    """The error names the part, its log and the remedy."""
    addresses = {"settings": {"kafka": {"bootstrap": "127.0.0.1:1"}}}
    (stopped.parent / "stack.json").write_text(json.dumps(addresses))
    settings = load_settings(profile="local-real", data_dir=stopped.parent)
    with pytest.raises(BackendUnavailable, match=r"kafka-0 .*stopped: .precis stack up"):
        require_running(settings)
