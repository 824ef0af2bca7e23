"""What the probes answer, over a socket."""

import httpx
import pytest

from schemas.errors import ConfigurationError
from stream.health import Health, serve_health
from stream.telemetry import Telemetry


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_ready_needs_start_up_and_an_assignment() -> None:
    """Before either it is alive, not ready."""
    health = Health(Clock())
    assert health.is_live()
    assert not health.is_ready()
    health.waiting_for = ""
    assert not health.is_ready()
    health.is_assigned = True
    assert health.is_ready()


def test_a_silent_commit_loop_is_not_alive() -> None:
    """A consumer that died in silence looks alive to the operating system; its beat stops."""
    clock = Clock()
    health = Health(clock)
    clock.now_s += 3_600
    assert health.is_live()  # still starting: that takes the time it takes
    health.beat()
    clock.now_s += 29
    assert health.is_live()
    clock.now_s += 2
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
            health.waiting_for, health.is_assigned = "", True
            assert client.get("/readyz").status_code == 200
            assert 'precis_nearline_records_total{outcome="stale"} 1.0' in client.get("/metrics").text
            assert client.get("/").status_code == 404
        with (
            pytest.raises(ConfigurationError, match=str(port)),
            serve_health(health, telemetry.registry, "127.0.0.1", port),
        ):
            pass
