"""`precis changelog prune`: put together from settings."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console

from ops.changelog.plan import Tails
from ops.changelog.prune import Pruner, PruneReport
from ops.runfile import resolve
from ops.services import open_store
from ops.settings import Settings
from ops.topic_reader import TopicReader
from schemas.errors import ConfigurationError
from stream.producer import KafkaPublisher

__all__ = ["prune_changelog"]


async def prune_changelog(settings: Settings, *, ttl_s: float, is_dry: bool, as_json: bool) -> int:
    """End the keys of deleted documents that have expired from the store.

    Args:
        settings: Where.
        ttl_s: How long a deleted document is kept, in seconds.
        is_dry: Only count.
        as_json: For machines.

    Returns:
        Exit status.

    Raises:
        ConfigurationError: There is no changelog.
    """
    bootstrap, _, _ = resolve(settings)
    topic = settings.topics.summaries
    tails = Tails()
    async with TopicReader(bootstrap) as reader:
        if not reader.partitions(topic):
            raise ConfigurationError(
                f"topics.summaries is {topic!r}, which the broker does not have: run `precis topics create`"
            )
        async for record in reader.read(await reader.spans(topic)):
            tails.add(record)
    store = await open_store(settings)
    try:
        async with KafkaPublisher(bootstrap, client_id="precis-changelog") as publisher:
            pruner = Pruner(store, publisher, topic, ttl_s=ttl_s, clock=lambda: datetime.now(UTC))
            report = await pruner.prune(tails, is_dry=is_dry)
    finally:
        await store.close()
    _print(report, is_dry=is_dry, as_json=as_json)
    return 0


def _print(report: PruneReport, *, is_dry: bool, as_json: bool) -> None:
    console = Console()
    if as_json:
        console.file.write(json.dumps(asdict(report)) + "\n")
        return
    would = "would be " if is_dry else ""
    console.print(
        f"{report.num_records} records read; {report.num_deleted} jobs end on a deleted document; "
        f"{report.num_nulled} {would}ended by a null, {report.num_kept} left since the store still has them",
        highlight=False,
        soft_wrap=True,
    )
    if report.num_republished:
        console.print(f"[yellow]{report.num_republished} {would}published again: stored, though they ended on a null")
    if report.num_unreadable:
        console.print(f"[yellow]{report.num_unreadable} records are no summary documents: another program writes there")
