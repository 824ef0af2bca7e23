"""Running one engine: start, wait until it answers, ask the canaries, stay until it is told to stop."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.engine.checks import Verdict, check_engine
from ops.engine.launch import Task
from ops.engine.log_end import log_end, remedies
from ops.engine.prepare import Prepared
from ops.supervise import Child, ChildSpec
from schemas.errors import BackendUnavailable

__all__ = ["RunningEngine", "engine_spec"]

_LOOK_S = 0.2
_STOP_TIMEOUT_S = 45
_START_TIMEOUT_S = 300
_READ_BYTES_PER_S = 20e6  # a slow disk, and weights are copied more than once
# What would bring other packages into the engine's environment, or another one in its place.
_UNWANTED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def engine_spec(name: str, prepared: Prepared, *, log_file: Path, inherited: Mapping[str, str]) -> ChildSpec:
    """How the process is run.

    Args:
        name: For messages.
        prepared: The engine.
        log_file: Takes its output.
        inherited: This process's environment.
    """
    python, launch, task = prepared.python, prepared.launch, prepared.task
    environment = {name: value for name, value in inherited.items() if name not in _UNWANTED} | dict(launch.environment)
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    return ChildSpec(
        name=name,
        command=[str(python), *launch.arguments],
        environment=environment,
        ready_url=f"{_url(task)}/health",
        log_file=log_file,
        start_timeout_s=_START_TIMEOUT_S + task.weights_bytes / _READ_BYTES_PER_S,
        stop_timeout_s=_STOP_TIMEOUT_S,
        has_children=True,
    )


class RunningEngine:
    """An engine process with all its children; leaving the ``with`` block stops them."""

    def __init__(self, prepared: Prepared, *, log_file: Path, inherited: Mapping[str, str]) -> None:
        """Start nothing yet.

        Args:
            prepared: The engine.
            log_file: Takes its output; emptied at the start.
            inherited: This process's environment.
        """
        self.url = _url(prepared.task)
        self._engine, self._task = prepared.engine, prepared.task
        self._spec = engine_spec(prepared.engine.value, prepared, log_file=log_file, inherited=inherited)
        self._child: Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the server; its children are in its group."""
        assert self._child is not None, "not started"
        return self._child.pid

    def start(self) -> float:
        """Start it and wait until it answers.

        Returns:
            Seconds that it took.

        Raises:
            BackendUnavailable: It ended, or did not answer in time; the message has the end of its log and the remedy.
        """
        self._spec.log_file.unlink(missing_ok=True)
        began = time.monotonic()
        self._child = Child(self._spec)
        deadline = began + self._spec.start_timeout_s
        while self._spec.why_unready() is not None:
            if (code := self._child.exit_code()) is not None:
                raise self._failed(f"ended with exit code {code} before it was ready", code)
            if time.monotonic() > deadline:
                raise self._failed(f"not ready after {self._spec.start_timeout_s:.0f} s", None)
            time.sleep(_LOOK_S)
        return time.monotonic() - began

    def check(self) -> Verdict:
        """Ask the canaries.

        Raises:
            PrecisError: It gave no answer.
        """
        return asyncio.run(check_engine(self._task, self.url))

    def watch(self, on_look: Callable[[], None] = lambda: None) -> None:
        """Stay until it ends.

        Raises:
            BackendUnavailable: It ended, whatever its exit status: nobody here told it to.
        """
        assert self._child is not None, "not started"
        while (code := self._child.exit_code()) is None:
            on_look()
            time.sleep(_LOOK_S)
        raise self._failed(f"ended with exit code {code}", code)

    def stop(self) -> int | None:
        """Stop it, its children with it. Idempotent.

        Returns:
            Its exit status; None where it never ran.
        """
        return None if self._child is None else self._child.stop()

    def _failed(self, what: str, code: int | None) -> BackendUnavailable:
        file = self._spec.log_file
        text = file.read_text(errors="replace") if file.exists() else ""
        advice = "".join(f"\n  remedy: {remedy}" for remedy in remedies(text, code, self._engine))
        message = f"{what}; its log {str(file)!r} ends:\n{log_end(text)}{advice}"
        return BackendUnavailable(message, backend=self._engine.value, operation="run")


def _url(task: Task) -> str:
    host = f"[{task.host}]" if ":" in task.host else task.host
    return f"http://{_reachable(host)}:{task.port}"


def _reachable(host: str) -> str:
    """An address that reaches a server which listens on all."""
    return {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 (compared with, not listened on)
