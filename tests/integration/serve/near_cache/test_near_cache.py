"""The near-cache on real logs: the embedded broker and Apache Kafka; its feeder killed, its file damaged."""

import asyncio
import sqlite3
import sys
from contextlib import asynccontextmanager

import pytest

from ops.broker import EmbeddedBroker
from schemas.documents import State
from schemas.errors import BackendUnavailable
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of
from tests.integration.serve.near_cache import near_process
from tests.integration.serve.near_cache.near_process import near_cache
from tests.integration.stream.kafka import eventually, publish

TOPIC = "job-summaries"


def record(document):
    return document.job_id.encode(), document.model_dump_json().encode()


@asynccontextmanager
async def started(*arguments, **fields):
    near = near_cache(*arguments, **fields)
    near.start()
    try:
        yield near
    finally:
        await near.close()


async def until(near, job_ids, check, what):
    """Until the near-cache is complete and its documents are as wanted."""

    async def is_so() -> bool:
        try:
            found, lag_s = await near.read(job_ids)
        except BackendUnavailable:
            return False
        return lag_s is not None and check(found)

    await eventually(is_so, what)


async def test_the_embedded_broker_forgets_and_the_store_does_not(tmp_path):
    """Built from the store, followed from the log; a new run of the broker is another log, so it is built again."""
    store, path = MemoryStore(), tmp_path / "near-cache.sqlite"
    for number in range(250):
        await store.put(summary_of(f"job-{number}"), cas=None)
    for _ in range(2):
        with EmbeddedBroker({TOPIC: 4}) as broker:
            async with started(path, broker.bootstrap, broker.log_id, TOPIC, scannable=store) as near:
                await until(near, ["job-7"], lambda found: "job-7" in found, "the store's documents are there")
                assert (await near.facts())["entries"] == 250
                deleted = summary_of("job-7", rev=5, state=State.DELETED)
                await publish(broker.bootstrap, [record(deleted), record(summary_of("job-7", "old", rev=4))], TOPIC)
                await until(near, ["job-7"], lambda found: found["job-7"].is_deleted, "the deletion came")


async def test_kafka_is_read_from_its_beginning_and_gone_on_with(tmp_path, fresh_topics):
    """A file that is fed again takes only what is new; nulls remove, what cannot be read is left to the store."""
    topics = await fresh_topics(num_partitions=3)
    address = (tmp_path / "near-cache.sqlite", topics.bootstrap, topics.log_id, topics.names.summaries)
    documents = [summary_of(f"job-{number}", rev=1) for number in range(300)]
    await publish(topics.bootstrap, [record(document) for document in documents], topics.names.summaries)
    async with started(*address) as near:
        await until(near, ["job-299"], lambda found: "job-299" in found, "all of the topic is there")
        assert (await near.facts())["entries"] == 300
    changes = [record(summary_of("job-1", "new", rev=2)), (b"job-2", None), (b"job-3", b"{}")]
    await publish(topics.bootstrap, changes, topics.names.summaries)
    async with started(*address) as near:
        await until(near, ["job-2", "job-3"], lambda found: not found, "the null and the unreadable record removed")
        found, _ = await near.read(["job-1"])
        assert (found["job-1"].summary, found["job-1"].rev) == ("new", 2)
        facts = await near.facts()
        assert facts["entries"] == 298
        assert sum(facts["offsets"].values()) == 303


async def _until_feeding(lines):
    """Its log lines go the same way."""
    async for line in lines:
        yield line
        if line == b"feeding\n":
            return


async def test_another_process_takes_over_from_a_killed_feeder(tmp_path, fresh_topics):
    """Exactly one feeds; SIGKILL, and the next goes on from the rows that are there."""
    topics = await fresh_topics(num_partitions=2)
    address = (tmp_path / "near-cache.sqlite", topics.bootstrap, topics.log_id, topics.names.summaries)
    feeder = await asyncio.create_subprocess_exec(
        sys.executable,
        near_process.__file__,
        *map(str, address),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said = [line async for line in _until_feeding(feeder.stdout)]
        assert said[-1] == b"feeding\n"
        async with started(*address) as near:
            await publish(topics.bootstrap, [record(summary_of("a"))], topics.names.summaries)
            await until(near, ["a"], lambda found: "a" in found, "what the other process feeds is read here")
            assert not (await near.facts())["is_feeding"]
            feeder.kill()
            await feeder.wait()
            await publish(topics.bootstrap, [record(summary_of("b"))], topics.names.summaries)
            await until(near, ["a", "b"], lambda found: len(found) == 2, "this process took over")
            assert (await near.facts())["is_feeding"]
    finally:
        if feeder.returncode is None:
            feeder.kill()
            await feeder.wait()


@pytest.mark.parametrize("is_open", [True, False], ids=["while-it-is-open", "before-the-start"])
async def test_a_damaged_file_is_built_anew(tmp_path, is_open: bool):
    """Whoever meets the damage; readers find the new file."""
    store, path = MemoryStore(), tmp_path / "near-cache.sqlite"
    for number in range(500):
        await store.put(summary_of(f"job-{number}"), cas=None)

    def damage() -> None:
        if not is_open:
            path.write_bytes(b"no database at all" * 1_000)
            return
        connection = sqlite3.connect(path)
        connection.execute("UPDATE summaries SET token_ids = x'00'")
        connection.commit()
        connection.close()

    with EmbeddedBroker({TOPIC: 1}) as broker:
        if not is_open:
            damage()
        async with started(path, broker.bootstrap, broker.log_id, TOPIC, scannable=store) as near:
            if is_open:
                await until(near, ["job-7"], lambda found: "job-7" in found, "it is built")
                await asyncio.to_thread(damage)
                with pytest.raises(BackendUnavailable):
                    await near.read(["job-7"])
            await until(near, ["job-7"], lambda found: len(found["job-7"].item_tokens) == 1, "it is built anew")
