"""`precis inspect`: put together from settings."""

import json
from datetime import UTC, datetime

from rich.console import Console

from ops.inspect.gather import Gatherer, Sources
from ops.inspect.present import story_fields, story_view
from ops.lag.lanes import lanes_of
from ops.runfile import resolve
from ops.services import open_store
from ops.settings import Settings
from ops.topic_reader import TopicReader
from schemas.posting import check_job_id
from stream.config import DELETED_TTL_S

__all__ = ["inspect_job"]


async def inspect_job(settings: Settings, job_id: str, *, as_json: bool) -> int:
    """Print the whole story of a job.

    Returns:
        Exit status: 1 where nothing is known of it.

    Raises:
        InvalidInput: This cannot be a job id.
    """
    check_job_id(job_id)
    bootstrap, log_id, _ = resolve(settings)
    store = await open_store(settings)
    try:
        async with TopicReader(bootstrap) as reader:
            sources = Sources(
                bootstrap=bootstrap,
                log_id=log_id or bootstrap,  # as the nearline service names it
                summaries=settings.topics.summaries,
                dead_letters=settings.topics.dead_letters,
                lanes=lanes_of(settings),
                deleted_ttl_s=DELETED_TTL_S,
            )
            gatherer = Gatherer(reader, store, sources, clock=lambda: datetime.now(UTC))
            story = await gatherer.gather(job_id)
    finally:
        await store.close()
    if as_json:
        Console().file.write(json.dumps(story_fields(story), ensure_ascii=False) + "\n")
    elif story.is_unknown:
        Console(stderr=True).print(
            f"job {job_id!r} is not known: no document, posting, changelog record, dead letter or waiting record",
            markup=False,
            soft_wrap=True,
        )
    else:
        Console().print(story_view(story), soft_wrap=True)
    return 1 if story.is_unknown else 0
