"""The topic ``job-rollouts`` as an operator uses it: the last state is read, changed and written again.

Two operators at the same moment may overwrite each other's change; the later one stands, and `status` shows it.
"""

from collections.abc import Callable

from ops.topic_reader import TopicReader
from schemas.errors import ConfigurationError, InvalidInput
from schemas.rollout import RolloutState, decode_rollout, encode_rollout
from stream.producer import Publisher

__all__ = ["RolloutTopic"]


class RolloutTopic:
    """Reads and writes the state of the latest roll-out."""

    def __init__(self, reader: TopicReader, publisher: Publisher, topic: str) -> None:
        self._reader = reader
        self._publisher = publisher
        self._topic = topic

    async def read(self) -> RolloutState:
        """The latest state; generation 0 before the first roll-out.

        Raises:
            ConfigurationError: The broker does not have the topic.
            BackendError: It does not answer.
        """
        return await read_rollout(self._reader, self._topic)

    async def change(self, change: Callable[[RolloutState], RolloutState]) -> RolloutState:
        """Write the latest state, changed: what another operator wrote meanwhile is not undone.

        Returns:
            The state as written, durably.

        Raises:
            As :meth:`read`.
        """
        state = change(await self.read())
        key, value = encode_rollout(state)
        await self._publisher.send(self._topic, key=key, value=value)
        return state


async def read_rollout(reader: TopicReader, topic: str) -> RolloutState:
    """As :meth:`RolloutTopic.read`, for who only reads."""
    if not reader.partitions(topic):
        raise ConfigurationError(
            f"topics.rollouts is {topic!r}, which the broker does not have: run `precis topics create`"
        )
    state = RolloutState()
    async for record in reader.read(await reader.spans(topic)):
        try:
            found = decode_rollout(record.key, record.value)
        except InvalidInput:
            continue  # as the workers do
        state = found if found.generation >= state.generation else state
    return state
