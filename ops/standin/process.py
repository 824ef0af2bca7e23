"""The stand-in as a child process that a test or a harness starts, kills, pauses and starts again."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from ops.standin.faults import Fault

if TYPE_CHECKING:
    from ops.supervise import Child

__all__ = ["KvStandIn"]

_HOST = "127.0.0.1"
_HTTP_TIMEOUT_S = 10.0


class KvStandIn:
    """One stand-in on one folder. Use as a context manager, or call :meth:`start` and :meth:`stop`.

    Ports and data stay over :meth:`kill`, :meth:`stop` and :meth:`start`.

    Attributes:
        port: Of the key-value service.
        http_port: Of the management service.
        connection_string: As ``CouchbaseConfig.connection_string`` takes it.
        username: The one user, who may do everything.
        password: Of that user.
        bucket: The bucket that ``url`` names; ``precis store init`` makes it.
        url: As ``CouchbaseConfig.from_url`` takes it.
        log_file: Its output.
    """

    def __init__(self, data_dir: Path, *, port: int = 0, http_port: int = 0, bucket: str = "precis") -> None:
        """Choose ports; nothing runs yet.

        Args:
            data_dir: Where its data and its log are kept.
            port: Of the key-value service; 0 takes a free one.
            http_port: Of the management service; 0 takes a free one.
            bucket: Named in ``url``.
        """
        from ops.supervise import free_port

        self._data_dir = data_dir
        self.port = port or free_port(_HOST)
        self.http_port = http_port or free_port(_HOST)
        self.username, self.password, self.bucket = "precis", "stand-in", bucket
        # Without compression: the stand-in looks into values.
        self.connection_string = f"couchbase://{_HOST}:{self.port}?enable_compression=false"
        account = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        self.url = f"couchbase://{account}@{_HOST}:{self.port}/{bucket}?enable_compression=false"
        self.log_file = data_dir / "standin.log"
        self._child: Child | None = None

    @property
    def command(self) -> Sequence[str]:
        """The command line that runs it."""
        options = {"--data": self._data_dir, "--port": self.port, "--http-port": self.http_port}
        return [sys.executable, "-m", "ops.standin", *(str(word) for option in options.items() for word in option)]

    @property
    def ready_url(self) -> str:
        """Answers 200 when it serves."""
        return f"http://{_HOST}:{self.http_port}/pools"

    @property
    def pid(self) -> int:
        """Process id. It must have been started."""
        return self._running().pid

    def start(self) -> None:
        """Start it, also after :meth:`kill` and :meth:`stop`, and wait until it serves.

        Raises:
            BackendUnavailable: It does not come up; the message has the end of its log.
        """
        from ops.settings import PROJECT_ROOT, environment_for
        from ops.supervise import Child, ChildSpec

        if self._child is None:
            environment = environment_for({})
            paths = [str(PROJECT_ROOT), environment.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
            spec = ChildSpec("kv-stand-in", self.command, environment, self.ready_url, self.log_file, stop_timeout_s=10)
            self._child = Child(spec)
        elif self._child.exit_code() is not None:
            self._child.start()
        self._child.wait_ready()

    def stop(self) -> int | None:
        """SIGTERM and wait; SIGKILL after 10 s. Idempotent.

        Returns:
            Exit status; None where it never ran.
        """
        if self._child is None:
            return None
        self.resume()
        return self._child.stop()

    def kill(self) -> None:
        """SIGKILL and wait."""
        self._running().kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def inject(self, fault: Fault) -> None:
        """Let the next requests of a kind go wrong; gone with the process."""
        self._call("POST", "faults", asdict(fault))

    def clear_faults(self) -> None:
        """From now on nothing goes wrong."""
        self._call("DELETE", "faults")

    def advance_clock(self, seconds: float) -> None:
        """Let its clock, by which documents expire, jump ahead; gone with the process."""
        self._call("POST", "clock", {"advance_s": seconds})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> "Child":
        if self._child is None:
            raise RuntimeError("the stand-in was never started: call start(), or use it as a context manager")
        return self._child

    def _signal(self, number: int) -> None:
        child = self._running()
        if child.exit_code() is None:
            os.kill(child.pid, number)

    def _call(self, method: str, what: str, content: dict[str, Any] | None = None) -> None:
        import httpx

        address = f"http://{_HOST}:{self.http_port}/standin/{what}"
        account = (self.username, self.password)
        httpx.request(method, address, json=content, auth=account, timeout=_HTTP_TIMEOUT_S).raise_for_status()
