"""Child processes: start, wait until ready, watch, stop. They end when this process ends, however it ends."""

import ctypes
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from schemas.errors import BackendUnavailable, ConfigurationError

__all__ = ["Child", "ChildSpec", "check_port", "free_port"]

_POLL_S = 0.05
_PR_SET_PDEATHSIG = 1


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on now. Another process may take it before its user does: that shows as a failed start."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


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
        ready_url: Answers 200 when it can work.
        log_file: Takes its standard output and error.
        start_timeout_s: Limit from start to ready, seconds.
        stop_timeout_s: Limit from SIGTERM to exit, seconds; then SIGKILL.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    ready_url: str
    log_file: Path
    start_timeout_s: float = 60
    stop_timeout_s: float = 45


@dataclass(slots=True)
class Child:
    """A running child process."""

    spec: ChildSpec
    _process: "subprocess.Popen[bytes]" = field(init=False)

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
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (a prctl only; there are no threads yet when children start)
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.poll()

    def wait_ready(self) -> None:
        """Wait until ``ready_url`` answers 200.

        Raises:
            BackendUnavailable: It ended, or was not ready in time; the message has the end of its log.
        """
        deadline = time.monotonic() + self.spec.start_timeout_s
        reason = "no answer"
        while True:
            if (code := self.exit_code()) is not None:
                raise self._failed(f"ended with exit code {code} before it was ready")
            try:
                response = httpx.get(self.spec.ready_url, timeout=2)
                if response.is_success:
                    return
                reason = f"{response.status_code} {response.text[:300]}"
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
            if time.monotonic() > deadline:
                raise self._failed(f"not ready after {self.spec.start_timeout_s:.0f} s: {reason}")
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
        return self._process.wait()

    def _failed(self, what: str) -> BackendUnavailable:
        tail = self.spec.log_file.read_text(errors="replace").strip().splitlines()[-12:]
        lines = "\n  ".join(tail) or "(empty)"
        return BackendUnavailable(
            f"{what}; its log {str(self.spec.log_file)!r} ends:\n  {lines}", backend=self.spec.name, operation="start"
        )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
