"""What an operator does while the stack runs: lag, dead letters, one job's story, freshness, pruning."""

import json
import signal
import subprocess

import pytest
from typer.testing import CliRunner

from ops.cli import app
from schemas.errors import ConfigurationError
from tests.e2e.processes import BIN

pytestmark = pytest.mark.timeout(1200)

POSTING = {
    "@type": "JobPosting",
    "identifier": "nurse-1",
    "title": "Registered Nurse",
    "description": "Twelve-hour night shifts in intensive care.",
}


def run(*arguments):
    """The command, in this process: starting one for each would take most of the test's time."""
    return CliRunner().invoke(app, arguments)


def lines(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def committed_of_live():
    """Records that the live lane has finished."""
    (live,) = [lane for lane in lines("lag") if lane["lane"] == "live"]
    return sum(part["committed"] or 0 for part in live["partitions"])


def test_an_operator_finds_out_what_happened_and_why(precis, tmp_path, monkeypatch):
    """On the embedded profile, by commands alone, and the live worker goes on through all of it."""
    monkeypatch.chdir(tmp_path)
    ads = [POSTING, {"identifier": "bad", "description": "no title"}]
    (tmp_path / "ads.jsonl").write_text("\n".join(json.dumps(ad) for ad in ads))
    with precis.up():
        assert run("ingest", "ads.jsonl").exit_code == 3

        (letter,) = lines("dlq", "list")
        assert (letter["job_id"], letter["error"]) == ("bad", "InvalidInput")
        shown = run("dlq", "show", letter["place"]).stdout
        assert "what to do" in shown
        assert '"identifier": "bad"' in shown
        assert isinstance(run("dlq", "replay", "--job-id", "bad").exception, ConfigurationError)
        (replayed,) = lines("dlq", "replay", "--job-id", "bad", "--yes")
        assert replayed["place"] == letter["place"]
        precis.wait(lambda: lines("dlq", "list"))
        (again,) = lines("dlq", "list")
        assert (again["attempts"], again["origin"]) == (2, letter["origin"])
        precis.wait(lambda: committed_of_live() == 3)

        (story,) = lines("inspect", "nurse-1")
        assert (story["document"]["state"], story["changelog"]["state"]) == ("fresh", "equal")
        assert (story["origin_record"], story["problems"]) == ("present", [])
        unknown = run("inspect", "nobody")
        assert unknown.exit_code == 1
        assert "not known" in unknown.stderr

        probed = lines("probe", "--count", "2", "--interval", "0.1", "--instance", "test")
        assert [run["result"] for run in probed] == ["ok", "ok"]
        stop_in_the_middle(precis)
        for name in ("test", "stopped"):
            (story,) = lines("inspect", f"precis-probe-{name}")
            assert story["document"]["state"] == "deleted"

        (report,) = lines("changelog", "prune", "--ttl-days", "0")
        assert (report["num_deleted"], report["num_kept"], report["num_nulled"]) == (2, 2, 0)


def stop_in_the_middle(precis):
    """Ctrl-C after the first update of a probe that would go on for ever."""
    command = [BIN / "precis", "probe", "--interval", "600", "--instance", "stopped", "--json"]
    with subprocess.Popen(
        command, cwd=precis.folder, env=precis.environment, stdout=subprocess.PIPE, text=True
    ) as probe:
        assert json.loads(probe.stdout.readline())["result"] == "ok"
        probe.send_signal(signal.SIGINT)
        assert probe.wait(60) == 0
