"""Dead letters on the embedded broker: replayed byte for byte, in their place, once."""

from datetime import UTC, datetime

import pytest

from ops.broker import EmbeddedBroker
from ops.dlq.letters import Place
from ops.dlq.read import read_box, read_original
from ops.dlq.replay import Replayer
from ops.topic_reader import TopicReader
from schemas.errors import ConfigurationError, InvalidInput
from stream.deadletter import DeadLetters, origin_of
from stream.producer import KafkaPublisher
from stream.source import Record
from tests.integration.stream.kafka import publish, read_topic

DLQ, UPDATES = "job-updates.dlq", "job-updates"
POISON = [
    (b"job-1", b"\xff\x00 not json", [("trace", b"\x01\xfe")]),
    (b"job-2", None, []),
    (None, b"", []),
    (b"\xfe", b"x" * 200_000, []),
]


@pytest.fixture
def broker():
    with EmbeddedBroker({UPDATES: 4, DLQ: 2}) as running:
        yield running


async def bury(broker, records, *, attempts=1):
    """What the service does with a record that it refuses."""
    async with KafkaPublisher(broker.bootstrap, client_id="test") as publisher:
        letters = DeadLetters(publisher, DLQ, log_id=broker.log_id)
        for record in records:
            await letters.publish(record, InvalidInput("poison"), attempts=attempts)


async def updates(broker):
    async with TopicReader(broker.bootstrap) as reader:
        return [record async for record in reader.read(await reader.spans(UPDATES))]


async def replay_all(broker):
    async with TopicReader(broker.bootstrap) as reader:
        box = await read_box(reader, DLQ)
        async with Replayer(broker.bootstrap, reader, DLQ, clock=lambda: datetime.now(UTC)) as replayer:
            return {letter.place: await replayer.replay(letter) for letter in box.letters if not box.replays(letter)}


async def test_a_replay_is_the_original_record_in_its_original_place(broker):
    """Key, bytes, own headers and partition are those of the refused record; so is its place in the log's order."""
    for key, value, headers in POISON[:1] + POISON[3:]:
        await publish(broker.bootstrap, [(key, value)], headers=headers)
    originals = await updates(broker)
    await bury(broker, originals)
    replayed_to = await replay_all(broker)
    assert len(replayed_to) == len(originals)
    new = {record.place: record for record in await updates(broker) if record not in originals}
    assert set(replayed_to.values()) == set(new)
    by_key = {record.key: record for record in new.values()}
    for original in originals:
        again = by_key[original.key]
        assert (again.value, again.partition) == (original.value, original.partition)
        assert [header for header in again.headers if not header[0].startswith("dlq.")] == list(original.headers)
        assert origin_of(again, broker.log_id) == original.origin(broker.log_id)


async def test_any_bytes_can_be_replayed(broker):
    """Tombstones, records without a key, bytes that are no text, large ones."""
    now = datetime.now(UTC).replace(microsecond=0)
    records = [
        Record(UPDATES, number % 4, number, now, key, value, tuple(headers))
        for number, (key, value, headers) in enumerate(POISON)
    ]
    await bury(broker, records)
    await replay_all(broker)
    again = {record.key: record.value for record in await updates(broker)}
    assert again == {key: value for key, value, _ in POISON}


async def test_a_second_replay_finds_nothing_to_do(broker):
    """Each letter is marked in the dead-letter topic; the marks are no letters."""
    await publish(broker.bootstrap, [(b"job-1", b"poison")])
    await bury(broker, await updates(broker))
    first = await replay_all(broker)
    assert await replay_all(broker) == {}
    async with TopicReader(broker.bootstrap) as reader:
        box = await read_box(reader, DLQ)
        (letter,) = box.letters
        (mark,) = box.replays(letter)
        assert mark.to == first[letter.place]
        assert len(await read_topic(broker.bootstrap, DLQ)) == 2


async def test_poison_that_is_still_poison_comes_back_with_its_attempts_added_up(broker):
    """A new letter of the same original place, open again; three rounds count three tries and more."""
    await publish(broker.bootstrap, [(b"job-1", b"poison")])
    (original,) = await updates(broker)
    await bury(broker, [original])
    for _ in range(2):
        await replay_all(broker)
        await bury(broker, (await updates(broker))[-1:])
    async with TopicReader(broker.bootstrap) as reader:
        box = await read_box(reader, DLQ)
    assert [letter.attempts for letter in box.letters] == [1, 2, 3]
    assert {letter.origin for letter in box.letters} == {original.origin(broker.log_id)}
    assert [len(box.replays(letter)) for letter in box.letters] == [1, 1, 0]
    assert len(box.relatives(box.letters[0])) == 2


async def test_what_is_not_there_is_said_with_what_is(broker):
    """A place without a letter, and a topic that is missing."""
    await bury(broker, [Record(UPDATES, 0, 0, datetime.now(UTC), b"job-1", b"poison")])
    async with TopicReader(broker.bootstrap) as reader:
        with pytest.raises(ConfigurationError, match=r"no record at 0@99: it holds 0@0 to before"):
            await read_original(reader, DLQ, Place(0, 99))
        with pytest.raises(ConfigurationError, match="precis topics create"):
            await read_box(reader, "missing")
