"""The changelog of summary documents: topic ``job-summaries``, key job id, value the document as JSON."""

from schemas.documents import SummaryDocument
from stream.producer import Publisher

__all__ = ["SummaryChangelog"]


class SummaryChangelog:
    """``Changelog`` over a Kafka topic. Consumers apply only a higher ``rev``."""

    def __init__(self, publisher: Publisher, topic: str) -> None:
        self._publisher = publisher
        self._topic = topic

    async def publish(self, document: SummaryDocument) -> None:
        """Append the document; a deleted one too (the null follows when it expires from the store).

        Raises:
            BackendUnavailable: It may or may not have been appended.
        """
        await self._publisher.send(self._topic, key=document.job_id.encode(), value=document.model_dump_json().encode())
