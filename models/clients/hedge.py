"""A second request where the first one is slow: the first answer counts, and the other request is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["hedged"]

_T = TypeVar("_T")


async def hedged(
    first: Coroutine[Any, Any, _T], second: Callable[[], Coroutine[Any, Any, _T] | None], *, after_s: float
) -> _T:
    """The result of the first of at most two requests that gives one.

    Args:
        first: Sent now.
        second: Asked once, after ``after_s`` seconds without an answer or an error; None: there is no second.
        after_s: How long the first is given, in seconds.

    Raises:
        BaseException: What the first raised before the second was sent; else what the one raised that failed last, the
            second where both failed in one moment.
    """
    requests = [asyncio.ensure_future(first)]
    try:
        await asyncio.wait(requests, timeout=after_s)
        if not any(request.done() for request in requests) and (other := second()) is not None:
            requests.append(asyncio.ensure_future(other))
        pending = set(requests)
        while True:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            ended = [request for request in requests if request in done]
            good = [request for request in ended if not request.cancelled() and request.exception() is None]
            if good or not pending:
                return (good or ended)[-1].result()
    finally:
        for request in requests:
            request.cancel()
        await asyncio.wait(requests)
        # Looked at, so that the loop does not report the error of the one that lost.
        _ = [request.exception() for request in requests if not request.cancelled()]
