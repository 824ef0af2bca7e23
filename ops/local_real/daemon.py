"""Processes that outlive the command which starts them, found again by a pid file."""

import os
import select
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ops.supervise import ChildSpec
from schemas.errors import BackendUnavailable

__all__ = ["Daemon", "stop_all"]

_POLL_S = 0.05
_KILL_WAIT_S = 10.0
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
# Fields of /proc/PID/stat, counted after the command's closing parenthesis.
_STATE, _START_TICKS = 0, 19


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process of a kind, running or not.

    Attributes:
        spec: How to run it.
        pid_file: Its process id and the time that process started, so that a pid given to another is not taken for it.
    """

    spec: ChildSpec
    pid_file: Path

    def pid(self) -> int | None:
        """Process id; None where it does not run."""
        try:
            pid, started = (int(word) for word in self.pid_file.read_text().split())
        except (OSError, ValueError):
            return None
        return pid if _started_ticks(pid) == started else None

    def start(self) -> None:
        """Start it; it must not run. It keeps running when this process ends."""
        self.spec.log_file.parent.mkdir(parents=True, exist_ok=True)
        with _interrupts_waiting():  # between the start and the pid file nobody could find it to stop it
            self._start()

    def _start(self) -> None:
        output = (str(self.spec.log_file), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        pid = os.posix_spawnp(
            self.spec.command[0],
            list(self.spec.command),
            self.spec.environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, *output),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,  # no terminal's Ctrl-C or hang-up reaches it
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ],
        )
        try:
            temporary = self.pid_file.with_suffix(".new")
            temporary.write_text(f"{pid} {_started_ticks(pid)}\n")
            temporary.replace(self.pid_file)
        except OSError:  # a full disk: nobody could find it again
            os.kill(pid, signal.SIGKILL)
            raise

    def wait_ready(self) -> None:
        """Wait until it says that it can work.

        Raises:
            BackendUnavailable: It ended, or was not ready in time; the message has the end of its log.
        """
        deadline_s = time.monotonic() + self.spec.start_timeout_s
        while (reason := self.spec.why_unready()) is not None:
            if self.pid() is None:
                raise self.spec.failed("ended before it was ready")
            if time.monotonic() > deadline_s:
                raise self.spec.failed(f"not ready after {self.spec.start_timeout_s:.0f} s: {reason}")
            time.sleep(_POLL_S)


def stop_all(daemons: Sequence[Daemon]) -> list[str]:
    """SIGTERM to all that run, and SIGKILL to each that still runs at the end of its ``stop_timeout_s``.

    Returns:
        Names of those that had to be killed.

    Raises:
        BackendUnavailable: One does not even end of that.
    """
    running = [(daemon, handle) for daemon in daemons if (handle := _open(daemon)) is not None]
    killed = []
    try:
        for _, handle in running:
            _signal(handle, signal.SIGTERM)
        started_s = time.monotonic()
        for daemon, handle in running:
            if not _has_ended(handle, daemon.spec.stop_timeout_s - (time.monotonic() - started_s)):
                killed.append(daemon.spec.name)
                _signal(handle, signal.SIGKILL)
                if not _has_ended(handle, _KILL_WAIT_S):
                    raise BackendUnavailable("does not end", backend=daemon.spec.name, operation="stop")
    finally:
        for _, handle in running:
            os.close(handle)
    for daemon in daemons:
        daemon.pid_file.unlink(missing_ok=True)
    return killed


@contextmanager
def _interrupts_waiting() -> Iterator[None]:
    # By handlers, not by the main thread's signal mask: with other threads there, one of them takes the signal, and the
    # main thread is interrupted all the same.
    if threading.current_thread() is not threading.main_thread():
        yield  # Python interrupts the main thread only
        return
    arrived: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        arrived.append(number)

    before = {number: signal.signal(number, note) for number in _INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for interrupt in arrived:
        signal.raise_signal(interrupt)


def _open(daemon: Daemon) -> int | None:
    pid = daemon.pid()
    if pid is None:
        return None
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if daemon.pid() == pid:  # the handle is that process's, not of one that took its number meanwhile
        return handle
    os.close(handle)
    return None


def _signal(handle: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return  # it ended by itself


def _has_ended(handle: int, timeout_s: float) -> bool:
    readable, _, _ = select.select([handle], [], [], max(timeout_s, 0.0))
    return bool(readable)


def _started_ticks(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[_STATE] in "ZX" else int(fields[_START_TICKS])
