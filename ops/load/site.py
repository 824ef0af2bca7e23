"""What is loaded: a stack of its own, or a scorer that runs already."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.runfile import RunFile, read_run_file
from ops.settings import PROJECT_ROOT, Settings, Topics, environment_for
from ops.supervise import Child, ChildSpec, free_port
from schemas.errors import ConfigurationError

__all__ = ["Site", "own_embedded_site", "running_site"]

_START_TIMEOUT_S = 300.0
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the parts are.

    Attributes:
        scorer_url: The scorer.
        bootstrap: The broker; empty: not known, so nothing is ingested or edited.
        topics: Names of its topics.
        salt: Tells the query sets of this run from those that the scorer may have seen.
    """

    scorer_url: str
    bootstrap: str
    topics: Topics
    salt: int


@contextmanager
def own_embedded_site(settings: Settings, directory: Path) -> Iterator[Site]:
    """`precis up` on an empty data directory, in a process of its own, until the block ends.

    Raises:
        BackendUnavailable: It did not start; the message has the end of its log.
    """
    run = _up(settings, directory, {"profile": "embedded"})
    with run as found:
        yield Site(found.scorer_url, found.bootstrap, settings.topics, salt=0)


@contextmanager
def _up(settings: Settings, directory: Path, overrides: dict[str, str]) -> Iterator[RunFile]:
    port = free_port()
    overrides = {
        "data_dir": str(directory),
        "scorer.port": str(port),
        "nearline.metrics_port": str(free_port()),
        "summarizer.bundle": str(settings.summarizer.bundle.resolve()),
        "ranker.bundle": str(settings.ranker.bundle.resolve()),
        **overrides,
    }
    spec = ChildSpec(
        name="up",
        command=[sys.executable, "-m", "ops.cli", "up"],
        environment=environment_for(overrides) | {"PYTHONPATH": str(PROJECT_ROOT)},
        ready_url=f"http://{_HOST}:{port}/readyz",
        log_file=directory / "logs" / "up.log",
        start_timeout_s=_START_TIMEOUT_S,
    )
    child = Child(spec)
    try:
        child.wait_ready()
        yield read_run_file(directory)
    finally:
        child.stop()


def running_site(settings: Settings, url: str, salt: int) -> Site:
    """A scorer that runs already, and the broker that the settings name or a running `precis up` has."""
    bootstrap = settings.kafka.bootstrap
    if not bootstrap:
        try:
            bootstrap = read_run_file(settings.data_dir).bootstrap
        except ConfigurationError:
            bootstrap = ""
    return Site(url, bootstrap, settings.topics, salt)
