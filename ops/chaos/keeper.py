"""Keeps processes up, as a supervisor does: what ends is started again, unless a fault holds it down."""

import asyncio
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from ops.supervise import Child, ChildSpec

__all__ = ["Keeper"]

_LOOK_S = 0.05
_READY_LOOK_S = 0.2


@dataclass(slots=True)
class _Kept:
    child: Child
    is_held: bool = False
    has_ended: bool = False


@dataclass(slots=True)
class Keeper:
    """Processes by name. Call it from the main thread only: the kernel ties children to the thread that starts them.

    Attributes:
        exits: How often which process ended with which code.
    """

    exits: "Counter[str]" = field(default_factory=Counter)
    _kept: dict[str, _Kept] = field(default_factory=dict)

    def start(self, spec: ChildSpec) -> None:
        """Start a process and keep it up."""
        self._kept[spec.name] = _Kept(Child(spec))

    def names(self, prefix: str = "") -> list[str]:
        """Processes that are kept, in order of their start."""
        return [name for name in self._kept if name.startswith(prefix)]

    async def watch(self) -> None:
        """Start again what ended, until cancelled."""
        while True:
            for kept in self._kept.values():
                self._look(kept)
            await asyncio.sleep(_LOOK_S)

    def hold(self, name: str) -> None:
        """Do not start it again until :meth:`release`."""
        self._kept[name].is_held = True

    def release(self, name: str) -> None:
        """Start it again where it has ended."""
        self._kept[name].is_held = False

    def pid(self, name: str) -> int:
        """Process id."""
        return self._kept[name].child.pid

    def signal(self, name: str, number: int) -> None:
        """Send a signal; nothing happens where it has ended."""
        child = self._kept[name].child
        if child.exit_code() is None:
            os.kill(child.pid, number)

    async def wait_ended(self, name: str) -> int:
        """Wait until a process that ends by itself has ended; its exit status."""
        while (code := self._kept[name].child.exit_code()) is None:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(_LOOK_S)
        return code

    def forget(self, name: str) -> None:
        """It has ended, and nobody shall start it again."""
        del self._kept[name]

    async def remove(self, name: str, number: int, *, limit_s: float) -> None:
        """End it with a signal and forget it; SIGKILL where it has not ended in time."""
        self.hold(name)
        self.signal(name, number)
        kept = self._kept[name]
        give_up_at_s = time.monotonic() + limit_s
        while kept.child.exit_code() is None:
            if time.monotonic() > give_up_at_s:
                self.exits[f"{_role(name)} hung"] += 1
                self.signal(name, signal.SIGKILL)
            await asyncio.sleep(_LOOK_S)
        self._note(kept)
        self.forget(name)

    async def wait_up(self, *, limit_s: float) -> None:
        """Wait until all that are not held are ready.

        Raises:
            BackendUnavailable: One is not, in time; the message has the end of its log.
        """
        give_up_at_s = time.monotonic() + limit_s
        for kept in list(self._kept.values()):
            while not kept.is_held:
                code, spec = kept.child.exit_code(), kept.child.spec
                reason = f"ended with {code}" if code is not None else await asyncio.to_thread(spec.why_unready)
                if reason is None:
                    break
                if time.monotonic() > give_up_at_s:
                    raise spec.failed(f"not ready after {limit_s:.0f} s: {reason}")
                await asyncio.sleep(_READY_LOOK_S)

    def stop(self) -> None:
        """SIGKILL to all: a segment is over, and nothing of it is needed."""
        for kept in self._kept.values():
            kept.is_held = True
            kept.child.kill()
        self._kept.clear()

    def _look(self, kept: _Kept) -> None:
        if kept.child.exit_code() is None:
            return
        self._note(kept)
        if not kept.is_held:
            kept.has_ended = False
            kept.child.start()

    def _note(self, kept: _Kept) -> None:
        if not kept.has_ended:
            kept.has_ended = True
            self.exits[f"{_role(kept.child.spec.name)} {kept.child.exit_code()}"] += 1


def _role(name: str) -> str:
    return name.partition("-")[0]
