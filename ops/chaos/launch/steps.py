"""The steps of DESIGN 4 as ports see them: wrapped, so that a process can pause before one, or die at it."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["STORE_STEPS", "Method", "die_at", "pause_before_steps", "wrap"]

STORE_STEPS = ("get", "put_posting", "put", "forget_job", "remove_posting")
"""Methods of the store that processing calls, in the order of the steps; ``publish`` is the changelog's."""

Method = Callable[..., Awaitable[Any]]

_LONG_SHARE = 0.1


def wrap(owner: type, name: str, make: Callable[[Method], Method]) -> None:
    """Replace a method of a class by what ``make`` makes of it."""
    setattr(owner, name, make(getattr(owner, name)))


def pause_before_steps(store: type, changelog: type, *, longest_s: float) -> None:
    """Let random time pass before each write and each publication, so that signals and stops land between steps.

    Args:
        store: Class of the store.
        changelog: Class of the changelog.
        longest_s: One step in ten waits up to this, the others up to a tenth of it.
    """
    rng = random.Random()

    def make(method: Method) -> Method:
        async def paused(self: Any, *args: Any, **named: Any) -> Any:
            ceiling_s = longest_s if rng.random() < _LONG_SHARE else longest_s / 10
            await asyncio.sleep(rng.uniform(0, ceiling_s))
            return await method(self, *args, **named)

        return paused

    wrap(store, "put_posting", make)
    wrap(store, "put", make)
    wrap(changelog, "publish", make)


def die_at(store: type, changelog: type, *, step: str, count: int) -> None:
    """SIGKILL of this process at a step.

    Args:
        store: Class of the store.
        changelog: Class of the changelog.
        step: One of :data:`STORE_STEPS` or ``publish``; with ``:after`` behind it, when the step is done.
        count: At which call of it, from 1.
    """
    name, _, when = step.partition(":")
    calls: Counter[str] = Counter()

    def make(method: Method) -> Method:
        async def deadly(self: Any, *args: Any, **named: Any) -> Any:
            calls[name] += 1
            is_time = calls[name] == count
            if is_time and not when:
                os.kill(os.getpid(), signal.SIGKILL)
            result = await method(self, *args, **named)
            if is_time:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return deadly

    wrap(changelog if name == "publish" else store, name, make)
