"""Starting a roll-out: the state first, then a request for every stored job; and mending fallbacks without one.

Protocol of a roll-out
    1. Write the state: from then on live summaries of the new model carry its generation, and the lane takes its
       requests. It says that not all jobs were asked for yet.
    2. Ask for every stored live document of a lower generation; twice, for what workers wrote that had not heard of 1.
    3. Write the state again: all were asked for, and up to which offsets of the topic.

Cut off anywhere, `start` goes on: documents that are done are not asked for again, and a request that comes twice finds
its work done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops.rollout.enumeration import Enumeration
from ops.rollout.plan import fallback_request, rollout_request
from ops.rollout.requests import RequestPump
from ops.rollout.topic import RolloutTopic
from ops.topic_reader import TopicReader
from schemas.resummarise import ResummariseRequest
from schemas.rollout import RolloutState
from store.ports import ScannedSummary

__all__ = ["OnProgress", "Starter"]

OnProgress = Callable[[int, int], None]
"""Told documents seen and requests published so far."""

_NUM_PASSES = 2
_NOTE_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class Starter:
    """What starting needs.

    Attributes:
        topic: Where the state is.
        reader: Of the broker, for the end offsets of the lane's topic.
        resummarise_topic: The lane's topic.
        pump: Publishes requests.
        clock: Now, UTC.
        on_progress: Told of progress.
    """

    topic: RolloutTopic
    reader: TopicReader
    resummarise_topic: str
    pump: RequestPump
    clock: Callable[[], datetime]
    on_progress: OnProgress = lambda _seen, _requested: None

    async def start(self, rollout: RolloutState, enumeration: Enumeration) -> RolloutState:
        """Carry out steps 1 to 3.

        Args:
            rollout: What ``next_rollout`` says.
            enumeration: Of all stored documents.

        Returns:
            The state as of the end.

        Raises:
            BackendError: Store or broker; starting again goes on.
        """
        await self.topic.change(lambda _: rollout)  # 1
        before = rollout.requested
        num_noted = num_seen = 0
        for _ in range(_NUM_PASSES):  # 2
            async for page in enumeration.next_pass():
                num_seen += len(page)
                await self.pump.publish(_requests(page, lambda entry: rollout_request(entry, rollout)))
                self.on_progress(num_seen, self.pump.num_published)
                if self.pump.num_published - num_noted >= _NOTE_EVERY:
                    num_noted = self.pump.num_published
                    await self._note(rollout, requested=before + num_noted)
        ends = {span.partition: span.end for span in await self.reader.spans(self.resummarise_topic)}
        return await self._note(rollout, requested=before + self.pump.num_published, until=ends)  # 3

    async def mend(self, rollout: RolloutState, enumeration: Enumeration) -> int:
        """Ask for every stored fallback. No generation is started, and no state is written.

        Returns:
            How many were asked for.

        Raises:
            BackendError: Store or broker; doing it again does no harm.
        """
        num_seen = 0
        async for page in enumeration.next_pass():
            num_seen += len(page)
            await self.pump.publish(_requests(page, lambda entry: fallback_request(entry, rollout)))
            self.on_progress(num_seen, self.pump.num_published)
        return self.pump.num_published

    async def _note(
        self, rollout: RolloutState, *, requested: int, until: dict[int, int] | None = None
    ) -> RolloutState:
        changes: dict[str, object] = {"requested": requested, "updated_at": self.clock()}
        if until is not None:
            changes |= {"until": until, "is_enumerated": True}

        def changed(latest: RolloutState) -> RolloutState:
            # A pause stands; and where another roll-out was started meanwhile, that one is the latest.
            return latest.model_copy(update=changes) if latest.generation == rollout.generation else latest

        return await self.topic.change(changed)


def _requests(
    page: Sequence[ScannedSummary], ask: Callable[[ScannedSummary], ResummariseRequest | None]
) -> list[ResummariseRequest]:
    return [request for entry in page if (request := ask(entry)) is not None]
