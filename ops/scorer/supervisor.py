"""Several scorer processes on one port: starts them, starts one again that ends, and ends all of them on a signal.

How they share the port: ``ops.scorer.listening``.
"""

import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import structlog

from ops.supervise import dying_with_parent

__all__ = ["Supervisor", "backoff_s"]

_log = structlog.get_logger(__name__)

_POLL_S = 0.1
_MAX_PAUSE_S = 30.0
_LASTED_S = 60.0
# After the ten seconds in which a worker finishes its calls it closes its parts.
_STOP_S = 20.0
_WRONG_SETTINGS = 2


def backoff_s(num_failures: int) -> float:
    """Pause before a worker is started again: none at first, so that a single crash costs nothing.

    Args:
        num_failures: How often it ended, each time soon after its start.
    """
    return 0.0 if num_failures <= 1 else min(_MAX_PAUSE_S, 0.5 * 2.0 ** (num_failures - 2))


@dataclass(slots=True)
class _Worker:
    index: int
    process: "subprocess.Popen[bytes] | None" = None
    started_s: float = 0.0
    not_before_s: float = 0.0
    num_failures: int = field(default=0)


class Supervisor:
    """Keeps the workers running. Call from the main thread: the kernel ties the children to it."""

    def __init__(self, num_workers: int, port: int) -> None:
        """Nothing is started yet.

        Args:
            num_workers: As many processes.
            port: Held for them until :meth:`run` has returned.
        """
        self._port = port
        self._workers = [_Worker(index) for index in range(num_workers)]
        self._stopping = threading.Event()

    def run(self) -> int:
        """Until SIGTERM or SIGINT.

        Returns:
            Exit status: that of a worker that the settings do not fit, else 0.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        status = 0
        try:
            while not self._stopping.is_set() and not status:
                for worker in self._workers:
                    status = status or self._look_after(worker, time.monotonic())
                self._stopping.wait(_POLL_S)
        finally:
            self._stop()
        return status

    def _look_after(self, worker: _Worker, now_s: float) -> int:
        """Start it where it does not run and may; not 0: there is no use in that."""
        process = worker.process
        if process is not None and (code := process.poll()) is not None:
            worker.process = None
            worker.num_failures = 1 if now_s - worker.started_s > _LASTED_S else worker.num_failures + 1
            worker.not_before_s = now_s + backoff_s(worker.num_failures)
            _log.error("worker ended", worker=worker.index, exit_code=code, failures=worker.num_failures)
            if code == _WRONG_SETTINGS:
                return code
        if worker.process is None and now_s >= worker.not_before_s:
            worker.process, worker.started_s = self._start(worker.index), now_s
            _log.info("worker started", worker=worker.index, pid=worker.process.pid)
        return 0

    def _start(self, index: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "ops.scorer", "--port", str(self._port), "--index", str(index)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then ends them in order
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 (one system call, which takes no lock)
        )

    def _stop(self) -> None:
        """SIGTERM to all, and SIGKILL to those that are not gone in time."""
        running = [worker.process for worker in self._workers if worker.process is not None]
        for process in running:
            process.terminate()
        deadline_s = time.monotonic() + _STOP_S
        for process in running:
            try:
                process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                _log.error("worker did not stop in time", pid=process.pid)
                process.kill()
                process.wait()
