"""``/metrics``, ``/livez`` and ``/readyz`` of the nearline service, on a thread of their own.

Live goes by progress, lane by lane (``stream.liveness``), and by the event loop coming round: a worker whose consumer
died in silence is alive for the operating system.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from schemas.errors import ConfigurationError
from stream.liveness import Excuse, LaneFacts, Verdict, judge

__all__ = ["Health", "LaneHealth", "serve_health"]

_LONGEST_SILENCE_S = 30.0
"""Between two beats of the event loop, which beats twice a second whatever broker, store and engine do."""


class LaneHealth:
    """What is known of one lane. Written by the event loop, read by the HTTP thread."""

    def __init__(self, *, is_lower: bool, clock: Callable[[], float]) -> None:
        """Know nothing yet: all ages start now.

        Args:
            is_lower: Whether other work comes before its own.
            clock: Monotonic seconds.
        """
        self._is_lower = is_lower
        self._clock = clock
        self._is_assigned = False
        self._lag: int | None = None
        self._excuse: Excuse | None = None
        now_s = clock()
        self._assigned_at_s = now_s
        self._answered_at_s = now_s
        self._finished_at_s = now_s
        self._committed_at_s = now_s
        self._excused_at_s = now_s

    @property
    def lag(self) -> int | None:
        """Records that are not finished; None before it is known."""
        return self._lag

    @property
    def commit_age_s(self) -> float:
        """Seconds since offsets were committed or there was nothing to do."""
        return self._clock() - self._committed_at_s

    def note_assigned(self, *, is_assigned: bool) -> None:
        """Partitions came, or went."""
        self._is_assigned = is_assigned
        self._assigned_at_s = self._finished_at_s = self._committed_at_s = self._answered_at_s = self._clock()

    def note_finished(self) -> None:
        """Records were finished."""
        self._finished_at_s = self._clock()

    def note_committed(self) -> None:
        """Offsets moved at the broker."""
        self._committed_at_s = self._clock()

    def note_lag(self, lag: int) -> None:
        """The broker answered."""
        self._lag = lag
        self._answered_at_s = self._clock()
        if lag == 0:
            self._finished_at_s = self._committed_at_s = self._answered_at_s

    def note_excuse(self, excuse: Excuse | None) -> None:
        """Something else holds the lane up now; None: nothing does."""
        if excuse is not None:
            self._excuse = excuse
            self._excused_at_s = self._clock()

    def facts(self) -> LaneFacts:
        """All of it, as of now."""
        now_s = self._clock()
        progress_at_s = max(self._finished_at_s, self._committed_at_s)
        return LaneFacts(
            is_lower=self._is_lower,
            is_assigned=self._is_assigned,
            lag=self._lag or 0,
            assigned_age_s=now_s - self._assigned_at_s,
            answer_age_s=now_s - self._answered_at_s,
            progress_age_s=now_s - progress_at_s,
            blame_age_s=now_s - max(progress_at_s, self._excused_at_s),
            excuse=self._excuse,
        )


class Health:
    """What the probes are told. Written by the event loop, read by the HTTP thread.

    Attributes:
        waiting_for: What start-up waits for, with the reason; empty once it is through.
        unsound: Why the engine's answers may not be used; empty while they may.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, stall_timeout_s: float = 180.0) -> None:
        """Start unready.

        Args:
            clock: Monotonic seconds.
            stall_timeout_s: How long a lane with lag may do nothing.
        """
        self._clock = clock
        self._stall_timeout_s = stall_timeout_s
        self._last_beat_s: float | None = None
        self._lanes: dict[str, LaneHealth] = {}
        self.waiting_for = "start"
        self.unsound = ""

    def lane(self, name: str, *, is_lower: bool = False) -> LaneHealth:
        """Add a lane; from now on the service is as alive and ready as its lanes are."""
        lane = LaneHealth(is_lower=is_lower, clock=self._clock)
        self._lanes = {**self._lanes, name: lane}
        return lane

    def beat(self) -> None:
        """The event loop came round."""
        self._last_beat_s = self._clock()

    def is_live(self) -> bool:
        """Whether the loop beats and every lane moves; before the first beat, start-up is given the time it needs."""
        if self._last_beat_s is None:
            return True
        is_beating = self._clock() - self._last_beat_s < _LONGEST_SILENCE_S
        return is_beating and all(verdict.is_live for verdict in self._verdicts().values())

    def is_ready(self) -> bool:
        """Whether records are being processed."""
        verdicts = self._verdicts().values()
        is_able = not self.waiting_for and not self.unsound
        return is_able and bool(verdicts) and all(v.is_ready for v in verdicts) and self.is_live()

    def state(self) -> dict[str, object]:
        """All of it, as JSON."""
        lanes = {
            name: {
                "live": verdict.is_live,
                "ready": verdict.is_ready,
                "lag": self._lanes[name].lag,
                "commit_age_s": round(self._lanes[name].commit_age_s, 1),
                "reason": verdict.reason,
            }
            for name, verdict in self._verdicts().items()
        }
        return {
            "live": self.is_live(),
            "ready": self.is_ready(),
            "waiting_for": self.waiting_for,
            "unsound": self.unsound,
            "lanes": lanes,
        }

    def _verdicts(self) -> dict[str, Verdict]:
        return {name: judge(lane.facts(), self._stall_timeout_s) for name, lane in self._lanes.items()}


@contextmanager
def serve_health(health: Health, registry: CollectorRegistry, host: str, port: int) -> Iterator[int]:
    """Answer probes while the block runs.

    Yields:
        The port that is listened on.

    Raises:
        ConfigurationError: The port is taken, or the host is not ours.
    """
    try:
        server = ThreadingHTTPServer((host, port), _handler(health, registry))
    except OSError as error:
        raise ConfigurationError(f"http_host {host!r}, http_port {port}: cannot listen there: {error}") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(health: Health, registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/metrics":
                    # OpenMetrics, with exemplars, for a scraper that asks for it; else the plain text format.
                    encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                    self._answer(200, content_type, encode(registry))
                case "/livez":
                    self._answer_state(is_good=health.is_live())
                case "/readyz":
                    self._answer_state(is_good=health.is_ready())
                case _:
                    self._answer(404, "text/plain", b"try /metrics, /livez or /readyz\n")

        def _answer_state(self, *, is_good: bool) -> None:
            self._answer(200 if is_good else 503, "application/json", json.dumps(health.state()).encode())

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes come every few seconds: not logged."""

    return Handler
