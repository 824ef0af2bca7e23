"""The steps of DESIGN 4 as ports see them: wrapped, so that a process can pause before one, or die at it."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["STEPS", "STORE_STEPS", "Method", "die_at", "pause_before_steps", "wrap"]

STORE_STEPS = ("get", "get_posting", "put_live", "put", "is_current", "forget_job", "remove_posting")
"""Methods of the store that processing calls."""

STEPS = (*STORE_STEPS, "summarize", "publish", "request", "commit")
"""Where a worker can die: a method of the store, the summary (3), the changelog (6), the request for what a document
is owed (7), and the commit."""

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

    for name in ("put_live", "put_posting", "put"):  # a store without transactions does the first by the others
        wrap(store, name, make)
    wrap(changelog, "publish", make)


def die_at(store: type, *, step: str, count: int = 1, about: str = "") -> None:
    """SIGKILL of this process at a step.

    Args:
        store: Class of the store.
        step: One of :data:`STEPS`; with ``:after`` behind it, when the step is done.
        count: At which call of it, from 1.
        about: Only calls count whose arguments name this: a job id, for ``commit`` a topic.
    """
    name, _, when = step.partition(":")
    if name == "commit":
        _die_at_commit(about, is_after=bool(when))
        return
    num_calls = 0

    def make(method: Method) -> Method:
        async def deadly(self: Any, *args: Any, **named: Any) -> Any:
            nonlocal num_calls
            num_calls += about in repr((args, named))
            is_time = num_calls == count and about in repr((args, named))
            if is_time and not when:
                _die()
            result = await method(self, *args, **named)
            if is_time:
                _die()
            return result

        return deadly

    owner, method = _owner_of(name, store)
    wrap(owner, method, make)


def _owner_of(step: str, store: type) -> tuple[type, str]:
    from stream.changelog import SummaryChangelog
    from stream.mending import ResummariseTopic
    from stream.summarize import Summarizer

    others = {"summarize": Summarizer, "publish": SummaryChangelog, "request": ResummariseTopic}
    return (store, step) if step in STORE_STEPS else (others[step], "publish" if step == "request" else step)


def _die_at_commit(about: str, *, is_after: bool) -> None:
    """Between what is to be committed is known and the broker is asked, or when it has answered."""
    from stream.assignment import Assignment

    moved, note_committed = Assignment.moved, Assignment.note_committed

    def deadly_moved(self: Assignment) -> Any:
        offsets = moved(self)
        if offsets and about in repr(offsets):
            _die()
        return offsets

    def deadly_note(self: Assignment, offsets: Any) -> None:
        if about in repr(offsets):
            _die()
        note_committed(self, offsets)

    if is_after:
        Assignment.note_committed = deadly_note  # type: ignore[method-assign]
    else:
        Assignment.moved = deadly_moved  # type: ignore[method-assign]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
