"""Several workers of one group on real Kafka: joining, leaving and dying under a steady feed loses nothing."""

import asyncio
import signal
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from store.sqlite import SqliteStore
from tests.integration.fresh_topics import FreshTopics, MakeTopics
from tests.integration.kafka.engine import served_summarizer
from tests.integration.kafka.workers import Feed, Workers
from tests.integration.stream.bundles import write_bundles
from tests.integration.stream.kafka import committed, eventually, last_documents


async def test_joining_leaving_and_dying_workers_lose_nothing(tmp_path: Path, fresh_topics: MakeTopics) -> None:
    """A second worker joins and leaves by SIGTERM, a third joins and is killed; the first goes on alone.

    At the end store and changelog have the last version of every job, and everything is committed.
    """
    topics = await fresh_topics(num_partitions=4)
    with served_summarizer() as url:
        workers, feed = Workers(tmp_path, topics, write_bundles(tmp_path), url), Feed(topics)
        async with workers.worker() as survivor:
            feeding = asyncio.create_task(feed.run())
            await eventually(survivor.has_handled_records, "the first worker works")
            async with workers.worker() as leaver:
                await eventually(leaver.has_handled_records, "the second worker has joined and works")
                assert await asyncio.to_thread(leaver.child.stop) == 0
            async with workers.worker() as victim:
                await eventually(victim.has_handled_records, "the third worker has joined and works")
                assert victim.child.kill() == -signal.SIGKILL
            feed.stop()
            await feeding
            assert survivor.child.exit_code() is None, survivor.child.spec.log_file.read_text()[-2000:]
            await eventually(lambda: _is_all_committed(topics), "the survivor owns all partitions and is done")
            assert await asyncio.to_thread(survivor.child.stop) == 0
    assert await _stored_versions(workers.store_file, feed.versions) == feed.versions
    published = await last_documents(topics.bootstrap, topics.names.summaries)
    assert {job_id: document.source_version for job_id, document in published.items()} == feed.versions


async def _is_all_committed(topics: FreshTopics) -> bool:
    done = await committed(topics.bootstrap, topics.group_id, topics.names.updates)
    partitions = [TopicPartition(topics.names.updates, number) for number in done]
    consumer = AIOKafkaConsumer(bootstrap_servers=topics.bootstrap)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    return done == {partition.partition: end for partition, end in ends.items()}


async def _stored_versions(file: Path, job_ids: dict[str, int]) -> dict[str, int]:
    store = await SqliteStore.open(file)
    try:
        documents = await store.get_many(list(job_ids))
        return {job_id: document.source_version for job_id, document in documents.items()}
    finally:
        await store.close()
