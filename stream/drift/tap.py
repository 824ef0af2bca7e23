"""Where the monitor sees what is published: every lane publishes by the changelog, and what it publishes is stored."""

from collections.abc import Callable

from schemas.documents import SummaryDocument
from stream.finish import Changelog

__all__ = ["TappedChangelog"]


class TappedChangelog:
    """``Changelog``: another one, whose documents are shown when they are acknowledged."""

    def __init__(self, changelog: Changelog, offer: Callable[[SummaryDocument], None]) -> None:
        """Tap it.

        Args:
            changelog: Publishes.
            offer: Told each document. Must return at once and raise nothing.
        """
        self._changelog = changelog
        self._offer = offer

    async def publish(self, document: SummaryDocument) -> None:
        """See ``Changelog.publish``."""
        await self._changelog.publish(document)
        self._offer(document)
