"""Two requests for one call."""

import asyncio
from collections.abc import Coroutine

import pytest

from models.clients.hedge import hedged

SOON_S = 0.001
NEVER_S = 3_600.0


class Requests:
    """Requests that end when the test says so."""

    def __init__(self) -> None:
        self.ends: list[asyncio.Future[str]] = []
        self.is_sent = asyncio.Event()
        self.num_cancelled = 0

    async def send(self) -> str:
        end = asyncio.get_running_loop().create_future()
        self.ends.append(end)
        if len(self.ends) == 2:
            self.is_sent.set()
        try:
            return await end
        except asyncio.CancelledError:
            self.num_cancelled += 1
            raise

    def second(self) -> Coroutine[None, None, str]:
        return self.send()


def no_second() -> Coroutine[None, None, str] | None:
    raise AssertionError("a hedge was asked for")


async def test_a_quick_answer_is_not_hedged() -> None:
    """Nothing is sent twice before its time."""

    async def quick() -> str:
        return "first"

    assert await hedged(quick(), no_second, after_s=NEVER_S) == "first"


async def test_a_quick_error_is_not_hedged() -> None:
    """An error is the caller's, or a retry's."""

    async def broken() -> str:
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        await hedged(broken(), no_second, after_s=NEVER_S)


@pytest.mark.parametrize("winner", [0, 1])
async def test_the_first_answer_counts_and_the_other_request_is_cancelled(winner: int) -> None:
    """Whichever it is: nobody computes on for nobody."""
    requests = Requests()
    call = asyncio.create_task(hedged(requests.send(), requests.second, after_s=SOON_S))
    await requests.is_sent.wait()
    requests.ends[winner].set_result("answer")
    assert await call == "answer"
    assert requests.num_cancelled == 1


async def test_where_one_fails_the_other_is_waited_for() -> None:
    """A hedge must not turn a slow call into a failed one."""
    requests = Requests()
    call = asyncio.create_task(hedged(requests.send(), requests.second, after_s=SOON_S))
    await requests.is_sent.wait()
    requests.ends[1].set_exception(ValueError("second"))
    await asyncio.sleep(0)
    requests.ends[0].set_result("first")
    assert await call == "first"


async def test_where_both_fail_the_last_error_is_raised() -> None:
    """And not a cancellation."""
    requests = Requests()
    call = asyncio.create_task(hedged(requests.send(), requests.second, after_s=SOON_S))
    await requests.is_sent.wait()
    requests.ends[0].set_exception(ValueError("first"))
    await asyncio.sleep(0)
    requests.ends[1].set_exception(ValueError("second"))
    with pytest.raises(ValueError, match="second"):
        await call


async def test_without_a_second_the_first_is_waited_for() -> None:
    """The budget is spent, or a replica refuses work."""
    requests = Requests()
    asked = asyncio.Event()

    def refused() -> None:
        asked.set()

    call = asyncio.create_task(hedged(requests.send(), refused, after_s=SOON_S))
    await asked.wait()
    requests.ends[0].set_result("first")
    assert await call == "first"
    assert len(requests.ends) == 1


async def test_a_caller_that_leaves_takes_both_with_it() -> None:
    """Cancellation reaches both engines."""
    requests = Requests()
    call = asyncio.create_task(hedged(requests.send(), requests.second, after_s=SOON_S))
    await requests.is_sent.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert requests.num_cancelled == 2
