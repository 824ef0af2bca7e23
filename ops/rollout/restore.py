"""What the embedded broker forgot when it stopped: the roll-out, and what was asked for and not done.

The store remembers both: the highest generation of any document is that of the roll-out, documents below it were asked
for, and fallbacks are to be mended. Why a summary is a fallback is not stored, so all of them are asked for once a
start; what the model gave nothing for then costs one call each, at the lowest priority.

A pause is not remembered, nor a roll-out of which not one document was done.
"""

from dataclasses import dataclass

import structlog

from ops.rollout.enumeration import ScanEnumeration
from ops.rollout.plan import fallback_request, rollout_request
from ops.rollout.requests import RequestPump
from ops.rollout.topic import RolloutTopic
from ops.settings import Settings
from ops.topic_reader import TopicReader
from schemas.documents import State
from schemas.resummarise import ResummariseRequest
from schemas.rollout import RolloutState
from store.ports import ScannedSummary, SummaryScan
from stream.mending import ResummariseTopic
from stream.producer import KafkaPublisher

__all__ = ["MAX_WAITING", "Restored", "restore", "restore_embedded"]

MAX_WAITING = 20_000
"""Requests that the embedded broker is given at once: at about 300 bytes each well below its 5 MiB a partition, even
where all of them go to one."""

_log = structlog.get_logger("precis.rollout")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back.

    Attributes:
        generation: Of the latest roll-out; 0 where there was none.
        num_requested: Jobs that were asked for.
        num_left: Jobs for which there was no room: `precis rollout start` asks for them.
    """

    generation: int
    num_requested: int
    num_left: int


async def restore_embedded(settings: Settings, bootstrap: str) -> Restored:
    """Bring it back for a stack whose broker has just started; before its services.

    Raises:
        BackendError: Store or broker.
    """
    from ops.services import open_embedded_store

    if not settings.sqlite_file.exists():
        return Restored(0, 0, 0)
    store = await open_embedded_store(settings)
    try:
        if not await _is_needed(store):
            return Restored(0, 0, 0)
        async with (
            TopicReader(bootstrap) as reader,
            KafkaPublisher(bootstrap, client_id="precis-rollout-restore") as publisher,
        ):
            restored = await restore(
                store,
                reader,
                RolloutTopic(reader, publisher, settings.topics.rollouts),
                ResummariseTopic(publisher, settings.topics.resummarise),
                resummarise_topic=settings.topics.resummarise,
            )
    finally:
        await store.close()
    if restored.num_left:
        _log.warning("rollout.restored_in_part", left=restored.num_left, remedy="precis rollout start --only fallback")
    return restored


async def _is_needed(store: SummaryScan) -> bool:
    async for page in ScanEnumeration(store).next_pass():
        if any(entry.generation or entry.state is State.FALLBACK for entry in page):
            return True
    return False


async def restore(
    store: SummaryScan, reader: TopicReader, topic: RolloutTopic, requests: ResummariseTopic, *, resummarise_topic: str
) -> Restored:
    """Publish the state of the roll-out, then a request for each document that is behind it or a fallback.

    Args:
        store: What remembers.
        reader: Of the broker, for the end offsets.
        topic: Where the state is.
        requests: Where requests go.
        resummarise_topic: Name of that topic.

    Raises:
        BackendError: Store or broker.
    """
    generation = 0
    async for page in ScanEnumeration(store).next_pass():
        generation = max(generation, *(entry.generation for entry in page))
    # Any worker may write it: the embedded profile has one summarizer, and its revision then was not stored as such.
    rollout = RolloutState(generation=generation)
    if generation:
        await topic.change(lambda _: rollout)
    pump = RequestPump(requests, num_waiting=_nobody, max_waiting=None)
    num_left = 0
    async for page in ScanEnumeration(store).next_pass():
        wanted = [request for entry in page if (request := _request(entry, rollout)) is not None]
        room = max(0, MAX_WAITING - pump.num_published)
        await pump.publish(wanted[:room])
        num_left += len(wanted[room:])
    if generation:
        ends = {span.partition: span.end for span in await reader.spans(resummarise_topic)}
        changes = {"requested": pump.num_published, "until": ends, "is_enumerated": num_left == 0}
        await topic.change(lambda latest: latest.model_copy(update=changes))
    return Restored(generation, pump.num_published, num_left)


def _request(entry: ScannedSummary, rollout: RolloutState) -> ResummariseRequest | None:
    return rollout_request(entry, rollout) or fallback_request(entry, rollout)


async def _nobody() -> int:
    return 0
