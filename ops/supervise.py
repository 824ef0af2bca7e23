"""Child processes: start, wait until ready, watch, stop. They end when this process ends, however it ends."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ops.ports import lasting_ports
from schemas.errors import BackendUnavailable, ConfigurationError

__all__ = ["Child", "ChildSpec", "check_port", "dying_with_parent", "free_port"]

_POLL_S = 0.05
_LEFT_BEHIND_S = 2.0
_PR_SET_PDEATHSIG = 1

# Ends with its input, which is when this process ends, and takes the group named by its argument with it.
_GROUP_WATCHER = 'cat >/dev/null; kill -s TERM -- "-$0" && sleep 2; kill -s KILL -- "-$0"'


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on now. Another process may take it before its user does: that shows as a failed start."""
    return lasting_ports(1, host)[0]


def check_port(host: str, port: int, setting: str) -> None:
    """See that a port can be listened on; 0 always can.

    Raises:
        ConfigurationError: It cannot; the message names the setting.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port just left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"{setting} is {port}, which cannot be listened on at {host} ({error.strerror}): "
                "stop what uses it, or choose another port (0 takes a free one)"
            ) from error


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to run one child process.

    Attributes:
        name: For messages and for the log file's name.
        command: Program and arguments.
        environment: Its whole environment.
        ready_url: Answers 200 when it can work; unused where ``probe`` is given.
        log_file: Takes its standard output and error.
        start_timeout_s: Limit from start to ready, seconds.
        stop_timeout_s: Limit from SIGTERM to exit, seconds; then SIGKILL.
        probe: For what does not speak HTTP: None when it can work, else why not.
        has_children: It starts processes of its own, which end with it: also where it is killed, or this process is.
        niceness: How much more it gives way to others than this process does: 0 to 19 (``nice(2)``).
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    ready_url: str
    log_file: Path
    start_timeout_s: float = 180
    stop_timeout_s: float = 45
    probe: Callable[[], str | None] | None = None
    has_children: bool = False
    niceness: int = 0

    def why_unready(self) -> str | None:
        """Ask it once, for at most 2 s: None when it can work, else why not."""
        if self.probe is not None:
            return self.probe()
        try:
            response = httpx.get(self.ready_url, timeout=2)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return None if response.is_success else f"{response.status_code} {response.text[:300]}"

    def failed(self, what: str) -> BackendUnavailable:
        """The error that says what became of it, with the end of its log."""
        lines = self.log_file.read_text(errors="replace").strip().splitlines() if self.log_file.exists() else []
        tail = "\n  ".join(lines[-12:]) or "(empty)"
        return BackendUnavailable(
            f"{what}; its log {str(self.log_file)!r} ends:\n  {tail}", backend=self.name, operation="start"
        )


@dataclass(slots=True)
class Child:
    """A running child process."""

    spec: ChildSpec
    _process: "subprocess.Popen[bytes]" = field(init=False)
    _group_watcher: "subprocess.Popen[bytes] | None" = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start it, again where it has ended. Call from the main thread: the kernel ties the child to the thread."""
        self.spec.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.spec.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self.spec.command,
                env=self.spec.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches this process alone, which then stops its children in order
                preexec_fn=dying_with_parent(self.spec.niceness),  # noqa: PLW1509 (system calls, which take no lock)
            )
        if self.spec.has_children:
            # The kernel ties only the child itself to this process; its children are tied by a pipe.
            self._end_group_watcher()
            self._group_watcher = subprocess.Popen(
                ["/bin/sh", "-c", _GROUP_WATCHER, str(self.pid)],
                stdin=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # "no such process" is what it hopes for
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.poll()

    def wait_ready(self) -> None:
        """Wait until it says that it can work.

        Raises:
            BackendUnavailable: It ended, or was not ready in time; the message has the end of its log.
        """
        deadline = time.monotonic() + self.spec.start_timeout_s
        while True:
            if (code := self.exit_code()) is not None:
                raise self.spec.failed(f"ended with exit code {code} before it was ready")
            if (reason := self.spec.why_unready()) is None:
                return
            if time.monotonic() > deadline:
                raise self.spec.failed(f"not ready after {self.spec.start_timeout_s:.0f} s: {reason}")
            time.sleep(_POLL_S)

    def stop(self) -> int:
        """SIGTERM, wait, SIGKILL where needed. Idempotent.

        Returns:
            Exit status; negative: the signal that ended it.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(self.spec.stop_timeout_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._end()

    def kill(self) -> int:
        """SIGKILL, which it cannot see coming. Idempotent.

        Returns:
            Exit status; negative: the signal that ended it.
        """
        self._process.kill()
        return self._end()

    def _end(self) -> int:
        code = self._process.wait()
        if self._group_watcher is not None:
            # Its session is its group. What it left behind may be clearing up: shared memory outlives a process.
            with suppress(ProcessLookupError):
                deadline = time.monotonic() + _LEFT_BEHIND_S
                while time.monotonic() < deadline:
                    os.killpg(self.pid, 0)
                    time.sleep(_POLL_S)
                os.killpg(self.pid, signal.SIGKILL)
            self._end_group_watcher()
        return code

    def _end_group_watcher(self) -> None:
        if self._group_watcher is not None:
            self._group_watcher.kill()
            self._group_watcher.communicate()
            self._group_watcher = None


def dying_with_parent(niceness: int = 0) -> Callable[[], None]:
    """What a child runs before its program, so that the kernel ends it when this thread ends.

    Args:
        niceness: How much more it gives way to others than this process does.
    """
    prctl = ctypes.CDLL(None).prctl  # loaded here: between fork and exec a lock of another thread may stay locked

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if niceness:
            _give_way(os.nice(niceness))

    return prepare


def _give_way(niceness: int) -> None:
    # Linux shares cores among sessions first, and compares niceness only within one (sched(7), autogroup): a child that
    # has a session of its own has to lower the session's share as well. Kernels without autogroups have no such file.
    with suppress(OSError):
        group = os.open("/proc/self/autogroup", os.O_WRONLY)
        os.write(group, str(niceness).encode())
        os.close(group)
