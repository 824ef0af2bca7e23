"""Where a consumer goes on after a rebalance, when its group has committed nothing yet."""

from pathlib import Path
from typing import Any

from faust.types import TP

from ops.broker import EmbeddedBroker
from stream.app import Callbacks, build_app
from stream.config import LaneSpec, NearlineConfig
from stream.slots import Priority
from tests.integration.stream.kafka import eventually, publish

TOPIC = TP("job-updates", 0)


async def nothing() -> None:
    """A member that is asked to give up its partitions has none in hand."""


async def test_records_fetched_before_a_commit_are_fetched_again(tmp_path: Path) -> None:
    """Claim: a seek to what is committed goes to the first record where nothing is. Faust drops what it had fetched."""
    seen: list[int] = []

    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            seen.append(event.message.offset)  # noqa: PERF401 (it never ends)

    with EmbeddedBroker({TOPIC.topic: 1}) as broker:
        await publish(broker.bootstrap, [(b"job", b"%d" % number) for number in range(3)])
        config = NearlineConfig(
            bootstrap_servers=broker.bootstrap, log_id=broker.log_id, summarizer_bundle=tmp_path, ranker_bundle=tmp_path
        )
        lane = LaneSpec("live", TOPIC.topic, "fresh-group", Priority.LIVE)
        app = build_app(config, lane, str(tmp_path), Callbacks(consume, lambda _: None, nothing, nothing))
        app.finalize()
        await app.start()
        try:

            async def all_seen() -> bool:
                return seen == [0, 1, 2]

            await eventually(all_seen, "three records delivered")
            await app.consumer.perform_seek()

            async def all_again() -> bool:
                return seen[3:] == [0, 1, 2]

            await eventually(all_again, "the same three delivered again")
        finally:
            await app.stop()
