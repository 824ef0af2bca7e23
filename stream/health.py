"""``/metrics``, ``/livez`` and ``/readyz`` of the nearline service, on a thread of their own.

Live means that the commit loop still beats: a worker whose consumer died in silence is alive for the operating system.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from schemas.errors import ConfigurationError

__all__ = ["Health", "serve_health"]

_LONGEST_SILENCE_S = 30.0
"""Between two beats of the commit loop, which beats twice a second; a commit with the broker away takes longer."""


class Health:
    """What the probes are told. Written by the event loop, read by the HTTP thread.

    Attributes:
        waiting_for: What start-up waits for, with the reason; empty once it is through.
        is_assigned: Whether partitions are assigned.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_beat_s: float | None = None
        self.waiting_for = "start"
        self.is_assigned = False

    def beat(self) -> None:
        """The commit loop came round."""
        self._last_beat_s = self._clock()

    def is_live(self) -> bool:
        """Whether the loop beats; before its first beat, start-up is given the time it needs."""
        return self._last_beat_s is None or self._clock() - self._last_beat_s < _LONGEST_SILENCE_S

    def is_ready(self) -> bool:
        """Whether records are being processed."""
        return not self.waiting_for and self.is_assigned and self.is_live()

    def state(self) -> dict[str, object]:
        """All of it, as JSON."""
        return {
            "live": self.is_live(),
            "ready": self.is_ready(),
            "assigned": self.is_assigned,
            "waiting_for": self.waiting_for,
        }


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
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
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
