"""An engine behind a real HTTP server on a real socket, in this process, with its work held up on demand."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn

from models.engine.__main__ import bind
from models.engine.config import EngineConfig
from models.engine.errors import RequestError
from models.engine.jobs import Job
from models.engine.server import create_app
from models.engine.service import Engine, open_engine
from models.engine.worker import Steps

PATIENCE_S = 120.0


@dataclass
class HeldSteps:
    """Lanes whose steps wait for ``release``; ``started`` says that one is waiting."""

    inner: Steps
    jobs: list[Job] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def has_work(self) -> bool:
        return self.inner.has_work

    def submit(self, job: Job) -> None:
        self.jobs.append(job)
        self.inner.submit(job)

    def step(self) -> None:
        self.started.set()
        assert self.release.wait(PATIENCE_S)
        self.inner.step()

    def fail_all(self, error: RequestError) -> None:
        self.inner.fail_all(error)


@dataclass
class Hold:
    """Wraps an engine's lanes so that a test decides when they compute."""

    steps: HeldSteps | None = None

    def __call__(self, inner: Steps) -> Steps:
        self.steps = HeldSteps(inner)
        return self.steps


@dataclass(frozen=True)
class Served:
    """A running server."""

    engine: Engine
    client: httpx.Client
    port: int

    def metric(self, name: str) -> float:
        """Sum of a metric over its labels."""
        lines = self.client.get("/metrics").text.splitlines()
        values = [line.rsplit(" ", 1) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(value) for _, value in values)

    def wait_for(self, name: str, value: float) -> None:
        """Ask for a metric until it has a value; each question is a round trip, so nothing spins."""
        end = time.monotonic() + PATIENCE_S
        while self.metric(name) != value:
            assert time.monotonic() < end, f"{name} never became {value}"

    def open_request(self, path: str, body: bytes) -> socket.socket:
        """A request sent whole, its answer not read: closing the socket is a client that went away."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        head = f"POST {path} HTTP/1.1\r\nhost: engine\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return connection


@contextmanager
def served(config: EngineConfig, wrap: Callable[[Steps], Steps] | None = None) -> Iterator[Served]:
    """Serve until the block ends; work that is held then is let go."""
    engine = open_engine(config, wrap=wrap)
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(create_app(engine), log_config=None, lifespan="on", timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        engine.settled.result(PATIENCE_S)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            yield Served(engine, client, port)
    finally:
        server.should_exit = True
        if isinstance(wrap, Hold) and wrap.steps is not None:
            wrap.steps.release.set()
        thread.join(PATIENCE_S)
        listening.close()
