"""The topics of the service: what they must be, and making them on a real broker.

The embedded broker has no CreateTopics; it makes its topics itself at start.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.errors import BackendProtocolError, BackendUnavailable
from stream.config import TopicNames
from stream.producer import MAX_REQUEST_BYTES

__all__ = ["TopicSpec", "create_topics", "missing_topics", "topic_specs"]

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be.

    Attributes:
        name: Its name.
        num_partitions: Number of partitions.
        settings: Topic settings of Kafka.
    """

    name: str
    num_partitions: int
    settings: dict[str, str] = field(default_factory=dict)


def topic_specs(names: TopicNames, *, num_partitions: int) -> list[TopicSpec]:
    """The topics of the service.

    Args:
        names: How they are called.
        num_partitions: Of updates, backfill, re-summarising and summaries; dead letters are few and have one, and the
            state of a roll-out is one record.
    """
    return [
        TopicSpec(names.updates, num_partitions, {"retention.ms": str(7 * _DAY_MS)}),
        # They wait for what live updates leave, and may be paused; still well below how long a deletion is remembered.
        TopicSpec(names.backfill, num_partitions, {"retention.ms": str(14 * _DAY_MS)}),
        TopicSpec(names.resummarise, num_partitions, {"retention.ms": str(14 * _DAY_MS)}),
        TopicSpec(
            names.summaries,
            num_partitions,
            # A reader that was away for less than this still sees every deletion.
            {"cleanup.policy": "compact", "delete.retention.ms": str(7 * _DAY_MS)},
        ),
        TopicSpec(
            names.dead_letters,
            1,
            {"retention.ms": str(30 * _DAY_MS), "max.message.bytes": str(MAX_REQUEST_BYTES)},
        ),
        TopicSpec(names.rollouts, 1, {"cleanup.policy": "compact"}),
    ]


async def create_topics(
    bootstrap_servers: str, specs: Collection[TopicSpec], *, replication_factor: int = 1
) -> list[str]:
    """Make the topics that are not there. Existing ones are left as they are.

    Returns:
        Names of those that were made.

    Raises:
        BackendUnavailable: The broker cannot be reached.
        BackendProtocolError: It refuses, and says why.
    """
    made = []
    async with _admin(bootstrap_servers, "create topics") as admin:
        for spec in specs:
            topic = NewTopic(spec.name, spec.num_partitions, replication_factor, topic_configs=spec.settings)
            answer = await admin.create_topics([topic])
            for name, code, *detail in answer.topic_errors:
                error = for_code(code)
                if error is TopicAlreadyExistsError:
                    continue
                if code:
                    message = f"{name!r} was refused: {error.__name__} {detail[0] if detail else ''}"
                    raise BackendProtocolError(message, backend="kafka", operation="create topics")
                made.append(spec.name)
    return made


async def missing_topics(bootstrap_servers: str, names: Collection[str]) -> list[str]:
    """Which of the topics the broker does not have. Asking makes none.

    Raises:
        BackendUnavailable: The broker cannot be reached.
    """
    async with _admin(bootstrap_servers, "list topics") as admin:
        present = set(await admin.list_topics())
    return sorted(set(names) - present)


@asynccontextmanager
async def _admin(bootstrap_servers: str, operation: str) -> AsyncIterator[Any]:
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=10_000)
    try:
        await admin.start()
        yield admin
    except (KafkaError, TimeoutError) as error:
        raise BackendUnavailable(repr(error), backend="kafka", operation=operation) from error
    finally:
        await admin.close()
