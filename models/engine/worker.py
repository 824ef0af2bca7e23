"""The engine's own thread: the only one that touches tensors, so that the HTTP loop stays responsive."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

from models.engine.errors import InternalFault, NotReady

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.engine.errors import RequestError
    from models.engine.jobs import Job

_log = logging.getLogger(__name__)


class Steps(Protocol):
    """What the thread runs: ``Lanes``, or a double that can be held up in a test."""

    @property
    def has_work(self) -> bool:
        """A step would do something."""

    def submit(self, job: Job) -> None:
        """Take a job."""

    def step(self) -> None:
        """Compute one pass of each kind."""

    def fail_all(self, error: RequestError) -> None:
        """Give up every job."""


class Worker:
    """Runs steps on a thread of its own.

    Consumes jobs from an inbox; produces their results; waits for the inbox when idle; unblocked by ``submit`` and
    ``stop``. The inbox is bounded by admission, before it.
    """

    def __init__(self, load: Callable[[], Steps | None]) -> None:
        """Prepare the thread; ``load`` runs on it first and may take long. None from it ends the thread."""
        self._load = load
        self._inbox: deque[Job] = deque()
        self._wake = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start loading, then computing."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """The thread runs."""
        return self._thread.is_alive()

    def submit(self, job: Job) -> None:
        """Queue a job; its ``done`` resolves later, on the engine's thread. Any thread may call.

        Raises:
            NotReady: The worker is stopping.
        """
        with self._wake:
            if self._is_stopping:
                raise NotReady("the engine is shutting down")
            self._inbox.append(job)
            self._wake.notify()

    def stop(self, timeout_s: float) -> None:
        """Give up what is left and end the thread; waits for the running pass, at most ``timeout_s``."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        steps = self._load()
        if steps is None:
            return
        while self._take_inbox(steps):
            try:
                steps.step()
            except Exception:  # noqa: BLE001 - a bug or memory: the requests in flight are lost, the engine is not
                _log.exception("engine.step_failed")
                steps.fail_all(InternalFault("the computation failed; the engine's log says why"))
        steps.fail_all(NotReady("the engine is shutting down"))

    def _take_inbox(self, steps: Steps) -> bool:
        """Move new jobs to their lanes, waiting for one when there is nothing to do. False: stop."""
        with self._wake:
            while not (self._inbox or steps.has_work or self._is_stopping):
                self._wake.wait()
            while self._inbox:
                steps.submit(self._inbox.popleft())
            return not self._is_stopping
