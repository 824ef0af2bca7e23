"""Asking the re-summarise lane for what a document is owed: durably, before its record is acknowledged."""

from typing import Protocol

from schemas.documents import SummaryDocument
from schemas.resummarise import ResummariseRequest, encode_request
from schemas.rollout import RolloutState
from stream.producer import Publisher
from stream.resummarise_policy import owed_request
from stream.telemetry import Telemetry

__all__ = ["Mending", "Requests", "ResummariseTopic", "RolloutSource"]


class RolloutSource(Protocol):
    """Where the latest roll-out is known; ``stream.rollout.RolloutFollower`` in production."""

    @property
    def state(self) -> RolloutState:
        """The latest state seen."""
        ...

    async def catch_up(self) -> None:
        """See what was written before this call. Raises ``BackendUnavailable``."""
        ...


class Requests(Protocol):
    """Where requests are published; ``ResummariseTopic`` in production."""

    async def publish(self, request: ResummariseRequest) -> None:
        """Append the request; returns when the broker has acknowledged it."""
        ...


class ResummariseTopic:
    """``Requests`` over a Kafka topic."""

    def __init__(self, publisher: Publisher, topic: str) -> None:
        self._publisher = publisher
        self._topic = topic

    async def publish(self, request: ResummariseRequest) -> None:
        """Append the request under its job id.

        Raises:
            BackendUnavailable: It may or may not have been appended; a second one does no harm.
        """
        key, value = encode_request(request)
        await self._publisher.send(self._topic, key=key, value=value)


class Mending:
    """What this worker's summaries count as, and what it asks for after a write."""

    def __init__(self, rollout: RolloutSource, requests: Requests, *, revision: str, telemetry: Telemetry) -> None:
        """Put together.

        Args:
            rollout: The latest roll-out.
            requests: Where to ask.
            revision: Of this worker's summarizer bundle.
            telemetry: Where requests are counted.
        """
        self._rollout = rollout
        self._requests = requests
        self._revision = revision
        self._telemetry = telemetry

    @property
    def rollout(self) -> RolloutState:
        """The latest roll-out seen."""
        return self._rollout.state

    async def catch_up(self) -> None:
        """See every roll-out that was started before this call.

        Raises:
            BackendUnavailable: The broker cannot be asked now.
        """
        await self._rollout.catch_up()

    @property
    def revision(self) -> str:
        """Of this worker's summarizer bundle."""
        return self._revision

    @property
    def generation(self) -> int:
        """Roll-out that a summary made now, by this worker, belongs to."""
        return self._rollout.state.allowed_generation(self._revision)

    async def ask_for_what_is_owed(self, document: SummaryDocument, *, is_mendable: bool) -> None:
        """Publish a request where the document needs one.

        Args:
            document: As it was written or read.
            is_mendable: Whether the model might say something else when it is asked again about a fallback.

        Raises:
            BackendError: It may or may not have been published.
        """
        request = owed_request(document, self._rollout.state, is_mendable=is_mendable)
        if request is not None:
            await self._requests.publish(request)
            self._telemetry.resummarise_requests.labels(str(request.reason)).inc()
