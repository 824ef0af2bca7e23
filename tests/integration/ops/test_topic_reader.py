"""Reading topics of the embedded broker from outside of any group."""

import pytest

from ops.broker import EmbeddedBroker
from ops.topic_reader import Span, TopicReader
from schemas.errors import BackendUnavailable
from tests.integration.stream.kafka import publish


async def test_what_stands_there_at_the_start_is_read_in_order_and_no_more():
    """Every record once, by partition; records that come while reading are left for the next reading."""
    with EmbeddedBroker({"a": 3, "empty": 1}) as broker:
        await publish(broker.bootstrap, [(b"k%d" % number, b"v%d" % number) for number in range(60)], "a")
        async with TopicReader(broker.bootstrap) as reader:
            assert reader.partitions("a") == (0, 1, 2)
            spans = await reader.spans("a")
            assert sum(span.end - span.begin for span in spans) == 60
            read = []
            async for record in reader.read(spans):
                if not read:
                    await publish(broker.bootstrap, [(b"late", b"late")] * 5, "a")
                read.append(record)
            assert {record.value for record in read} == {b"v%d" % number for number in range(60)}
            places = [(record.partition, record.offset) for record in read]
            assert places == sorted(places)
            assert [record async for record in reader.read(await reader.spans("empty"))] == []


async def test_one_record_is_found_by_its_place():
    """With key, value and headers as they were; None before the beginning, behind the end, or where no topic is."""
    with EmbeddedBroker({"a": 1}) as broker:
        await publish(broker.bootstrap, [(b"k", b"one"), (b"k", None)], "a", headers=[("h", b"\xff")])
        async with TopicReader(broker.bootstrap) as reader:
            found = await reader.at("a", 0, 0)
            assert (found.key, found.value, found.headers) == (b"k", b"one", (("h", b"\xff"),))
            assert (await reader.first_from("a", 0, 1)).value is None
            assert await reader.at("a", 0, 2) is None
            assert await reader.at("a", 7, 0) is None
            assert await reader.at("missing", 0, 0) is None
            assert await reader.spans("missing") == []
            assert await reader.spans("a") == [Span("a", 0, 0, 2)]


async def test_a_broker_that_is_away_is_named():
    """The address stands in the error."""
    with pytest.raises(BackendUnavailable, match=r"127\.0\.0\.1:1"):
        async with TopicReader("127.0.0.1:1"):
            pass
