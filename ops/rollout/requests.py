"""Publishing requests, many at once, and on a broker with little room no further ahead than it can hold."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from schemas.resummarise import ResummariseRequest
from stream.mending import Requests

__all__ = ["RequestPump"]

_BATCH = 500
_POLL_S = 0.5


class RequestPump:
    """Publishes requests in order, in batches.

    Attributes:
        num_published: Requests acknowledged by the broker.
    """

    def __init__(
        self,
        requests: Requests,
        *,
        num_waiting: Callable[[], Awaitable[int]],
        max_waiting: int | None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Put together.

        Args:
            requests: Where they go.
            num_waiting: How many stand in the topic that the lane has not finished.
            max_waiting: How many may stand there, at least a batch; None: any number.
            sleep: How to wait, in seconds.
        """
        self._requests = requests
        self._num_waiting = num_waiting
        self._max_waiting = max_waiting
        self._sleep = sleep
        self.num_published = 0
        self._num_room = 0

    async def publish(self, requests: Sequence[ResummariseRequest]) -> None:
        """Publish them; returns when all are acknowledged.

        Raises:
            BackendUnavailable: Some may have been published; all of them again does no harm.
        """
        for start in range(0, len(requests), _BATCH):
            batch = requests[start : start + _BATCH]
            await self._wait_for_room(len(batch))
            await asyncio.gather(*(self._requests.publish(request) for request in batch))
            self.num_published += len(batch)

    async def _wait_for_room(self, size: int) -> None:
        if self._max_waiting is None:
            return
        while self._num_room < size:
            self._num_room = self._max_waiting - await self._num_waiting()
            if self._num_room < size:
                await self._sleep(_POLL_S)
        self._num_room -= size
