"""What the probes answer, over a socket."""

import httpx
import pytest

from schemas.errors import ConfigurationError
from stream.health import Health, serve_health
from stream.liveness import Excuse
from stream.telemetry import Telemetry, exemplar


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_ready_needs_start_up_and_an_assignment_of_every_lane() -> None:
    """Before either it is alive, not ready."""
    health = Health(Clock())
    assert health.is_live()
    assert not health.is_ready()
    health.waiting_for = ""
    assert not health.is_ready()
    live, lower = health.lane("live"), health.lane("backfill", is_lower=True)
    live.note_assigned(is_assigned=True)
    assert not health.is_ready()
    lower.note_assigned(is_assigned=True)
    assert health.is_ready()


def test_an_engine_whose_canaries_fail_makes_it_unready_and_is_named() -> None:
    """It is alive: a restart of this service mends nothing."""
    health = Health(Clock())
    health.waiting_for = ""
    health.lane("live").note_assigned(is_assigned=True)
    health.unsound = "canary 0: another summary"
    assert (health.is_live(), health.is_ready()) == (True, False)
    assert health.state()["unsound"] == "canary 0: another summary"
    health.unsound = ""
    assert health.is_ready()


def test_a_silent_event_loop_is_not_alive() -> None:
    """A worker that hangs looks alive to the operating system; its beat stops."""
    clock = Clock()
    health = Health(clock)
    clock.now_s += 3_600
    assert health.is_live()  # still starting: that takes the time it takes
    health.beat()
    clock.now_s += 29
    assert health.is_live()
    clock.now_s += 2
    assert not health.is_live()


def test_a_lane_with_lag_that_does_nothing_is_not_alive_and_is_named() -> None:
    """The process is up and its loop beats; the probe says which lane, and why."""
    clock = Clock()
    health = Health(clock, stall_timeout_s=100)
    health.waiting_for = ""
    live, lower = health.lane("live"), health.lane("backfill", is_lower=True)
    for lane in (live, lower):
        lane.note_assigned(is_assigned=True)
    for _ in range(12):
        clock.now_s += 10
        health.beat()
        live.note_lag(0)
        lower.note_lag(7)
    assert not health.is_live()
    lanes = health.state()["lanes"]
    assert isinstance(lanes, dict)
    assert lanes["live"]["live"]
    assert lanes["backfill"]["reason"] == "7 records wait and none was finished for 120 s"
    assert lower.commit_age_s == 120
    lower.note_finished()
    assert health.is_live()


def test_time_with_an_excuse_does_not_count_against_a_lane() -> None:
    """Refused for long: alive throughout, unready after the timeout; and after it the lane has its whole time again."""
    clock = Clock()
    health = Health(clock, stall_timeout_s=100)
    health.waiting_for = ""
    live = health.lane("live")
    live.note_assigned(is_assigned=True)
    for _ in range(20):
        clock.now_s += 10
        health.beat()
        live.note_lag(3)
        live.note_excuse(Excuse.REFUSED)
    assert health.is_live()
    assert not health.is_ready()
    clock.now_s += 90
    health.beat()
    live.note_lag(3)
    live.note_excuse(None)
    assert health.is_live()
    clock.now_s += 20
    health.beat()
    live.note_lag(3)
    assert not health.is_live()


def test_probes_over_http() -> None:
    """200 or 503 with the reason, metrics as text, 404 for the rest."""
    health, telemetry = Health(Clock()), Telemetry()
    telemetry.outcomes.labels("stale").inc()
    with serve_health(health, telemetry.registry, "127.0.0.1", 0) as port:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            health.waiting_for = "canaries: drift"
            unready = client.get("/readyz")
            assert unready.status_code == 503
            assert unready.json()["waiting_for"] == "canaries: drift"
            assert client.get("/livez").status_code == 200
            health.waiting_for = ""
            health.lane("live").note_assigned(is_assigned=True)
            assert client.get("/readyz").status_code == 200
            assert 'precis_nearline_records_total{outcome="stale"} 1.0' in client.get("/metrics").text
            assert client.get("/").status_code == 404
        with (
            pytest.raises(ConfigurationError, match=str(port)),
            serve_health(health, telemetry.registry, "127.0.0.1", port),
        ):
            pass


def test_a_scraper_that_asks_for_open_metrics_gets_exemplars() -> None:
    """Freshness leads to the record: the plain format has none, and stays the answer to who does not ask."""
    telemetry = Telemetry()
    telemetry.event_age.labels("live").observe(0.3, exemplar(job_id="job-7", at="job-updates[2]@17"))
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    with serve_health(Health(Clock()), telemetry.registry, "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        plain = httpx.get(url, trust_env=False)
        asked = httpx.get(url, headers={"Accept": accept}, trust_env=False)
    assert "# {" not in plain.text
    assert asked.headers["Content-Type"].startswith("application/openmetrics-text")
    assert '# {at="job-updates[2]@17",job_id="job-7"} 0.3' in asked.text
    assert asked.text.endswith("# EOF\n")


def test_exemplars_keep_within_what_the_format_allows() -> None:
    """128 characters in all: the job id goes first, and what does not fit at all is left out."""
    assert exemplar(job_id="a" * 60, at="t[0]@1") == {"job_id": "a" * 60, "at": "t[0]@1"}
    assert exemplar(job_id="a" * 200, at="t[0]@1") == {"at": "t[0]@1"}
    assert exemplar(job_id="a", at="t" * 127) is None
