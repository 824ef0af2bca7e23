"""What is loaded: a stack of its own, or a scorer that runs already."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.load.processes import Usage, usage_of_tree
from ops.local_real import Stack
from ops.runfile import read_run_file
from ops.settings import Settings, Topics, load_settings
from ops.stack import EmbeddedStack
from schemas.errors import ConfigurationError

__all__ = ["Site", "own_site", "running_site"]

_PARTS = ("scorer", "ranker-engine", "summarizer-engine", "nearline")


@dataclass(frozen=True, slots=True)
class Site:
    """Where the parts are.

    Attributes:
        scorer_url: The scorer.
        bootstrap: The broker; empty: not known, so nothing is ingested or edited.
        topics: Names of its topics.
        settings: Of the site.
        salt: Tells the query sets of this run from those that the scorer may have seen.
        stack: What `precis up` runs, in this process; None: it is not ours.
        services: What `precis stack up` runs; None: it is not ours, or there is none.
    """

    scorer_url: str
    bootstrap: str
    topics: Topics
    settings: Settings
    salt: int = 0
    stack: EmbeddedStack | None = None
    services: Stack | None = None

    def usages(self) -> dict[str, Usage]:
        """CPU time and memory of each part that is ours, with its children; ``self`` is this process."""
        if self.stack is None:
            return {}
        pids = {name: self.stack.child(name).pid for name in _PARTS} | {"load": os.getpid()}
        if self.services is not None:
            pids |= {part.record.name: part.pid for part in self.services.status() if part.pid is not None}
        return {name: usage_of_tree(pid, with_children=name != "load") for name, pid in pids.items()}


@contextmanager
def own_site(profile: str, engine: str, directory: Path, *, on_step: Callable[[str], None]) -> Iterator[Site]:
    """What the profile's `precis up` runs, on an empty data directory and free ports, until the block ends.

    Args:
        profile: ``embedded``, or ``local-real``: then Apache Kafka and the stand-in for Couchbase are started too.
        engine: Of the ranker: ``local``, ``vllm`` or ``sglang``.
        directory: For all data and logs.
        on_step: Told what is being waited for.

    Raises:
        PrecisError: A part did not start; the message has the end of its log.
    """
    services = Stack(directory) if profile == "local-real" else None
    try:
        if services is not None:
            services.up(1, on_step=on_step)
        settings = _settings(profile, engine, directory)
        with EmbeddedStack(settings, on_step=on_step) as stack:
            yield Site(
                scorer_url=stack.run.scorer_url,
                bootstrap=stack.run.bootstrap,
                topics=settings.topics,
                settings=settings,
                stack=stack,
                services=services,
            )
    finally:
        if services is not None:
            services.down()


def running_site(settings: Settings, url: str, salt: int) -> Site:
    """A scorer that runs already, and the broker that the settings name or a running `precis up` has."""
    bootstrap = settings.kafka.bootstrap
    if not bootstrap:
        try:
            bootstrap = read_run_file(settings.data_dir).bootstrap
        except ConfigurationError:
            bootstrap = ""
    return Site(scorer_url=url, bootstrap=bootstrap, topics=settings.topics, settings=settings, salt=salt)


def _settings(profile: str, engine: str, directory: Path) -> Settings:
    settings = load_settings(profile=profile, data_dir=directory)
    update: dict[str, Any] = {
        "scorer": settings.scorer.model_copy(update={"port": 0, "admin_port": 0}),
        "nearline": settings.nearline.model_copy(update={"metrics_port": 0}),
        "ranker": settings.ranker.model_copy(update={"engine": engine}),
        "store": settings.store.model_copy(update={"sqlite_path": None}),
    }
    return settings.model_copy(update=update)
