"""Starting a coroutine here and now, and making a task of it only where it has to wait.

What ``asyncio.eager_task_factory`` of Python 3.12 does for all tasks. A task costs some ten microseconds and a turn of
the event loop; most deliveries of a record need neither.
"""

from collections.abc import Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any, Generic, TypeVar

__all__ = ["Started"]

T = TypeVar("T")


class Started(Generic[T]):
    """A coroutine that has run up to where it first waits.

    It must not ask for the current task before it waits for the first time: that is the caller's.

    Attributes:
        is_done: Whether it has returned already.
    """

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        """Run it as far as it goes; what it raises comes out here."""
        self._work = work
        try:
            self._awaited = work.send(None)
        except StopIteration as end:
            self.is_done = True
            self._result: T = end.value
        else:
            self.is_done = False

    def result(self) -> T:
        """What it returned; it must be done."""
        assert self.is_done, "it still waits: await `rest`"
        return self._result

    async def rest(self) -> T:
        """The rest of it; await it once, where it is not done."""
        assert not self.is_done, "it has returned already"
        return await _rest(self._work, self._awaited)


@coroutine
def _rest(work: Coroutine[Any, Any, T], awaited: Any) -> Generator[Any, Any, T]:
    while True:
        try:
            sent = yield awaited
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:  # noqa: BLE001 - a cancellation, most of all: it is the work's to answer
            step = partial(work.throw, error)
        else:
            step = partial(work.send, sent)
        try:
            awaited = step()
        except StopIteration as end:
            result: T = end.value
            return result
