"""``consistency: bounded`` through the whole scorer, fed by the embedded broker."""

import httpx
import pytest

from ops.broker import EmbeddedBroker
from schemas.errors import BackendUnavailable
from serve.near_cache.config import NearCacheConfig
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of
from tests.integration.stream.kafka import eventually

TOPIC = "job-summaries"


class Breakable(MemoryStore):
    """A store that can go away."""

    is_away = False

    async def get_many(self, job_ids):
        if self.is_away:
            raise BackendUnavailable("it is away", backend="store", operation="get_many")
        return await super().get_many(job_ids)


@pytest.fixture
async def fed(tmp_path, start_scorer):
    """A scorer whose near-cache is complete."""
    store = Breakable()
    await store.put(summary_of("a"), cas=None)
    with EmbeddedBroker({TOPIC: 2}) as broker:
        config = NearCacheConfig(
            path=tmp_path / "near-cache.sqlite",
            bootstrap_servers=broker.bootstrap,
            log_id=broker.log_id,
            topic=TOPIC,
            max_lag_s=60.0,
        )
        scorer = await start_scorer(store=store, near_cache=config)

        async def is_complete() -> bool:
            return (await scorer.client.get("/info")).json()["near_cache"]["lag_s"] is not None

        await eventually(is_complete, "the near-cache is complete")
        yield scorer
        await scorer.app.state.parts.near_cache.close()  # before its broker


async def test_a_bounded_call_says_how_far_behind_it_is(fed):
    """From the near-cache, with its lag; the same scores as the strict call."""
    bounded = (await fed.score("nurse", ["a"], consistency="bounded")).json()
    strict = (await fed.score("nurse", ["a"])).json()
    assert (bounded["consistency"], bounded["why_strict"]) == ("bounded", None)
    assert 0 <= bounded["lag_ms"] < 60_000
    assert (strict["consistency"], strict["lag_ms"], strict["why_strict"]) == ("strict", None, None)
    assert bounded["results"][0]["score"] == strict["results"][0]["score"] is not None
    assert bounded["results"][0]["item_version"] == strict["results"][0]["item_version"]


async def test_what_the_near_cache_does_not_have_is_looked_up(fed):
    """A job that was stored and not published yet."""
    await fed.store.put(summary_of("b"), cas=None)
    answer = (await fed.score("nurse", ["b", "a"], consistency="bounded")).json()
    assert answer["consistency"] == "bounded"
    assert all(result["score"] is not None for result in answer["results"])


async def test_bounded_calls_go_on_without_the_store(fed):
    """Strict ones cannot; a job that neither has is missing, as it was as of the answer."""
    fed.store.is_away = True
    answer = await fed.score("nurse", ["a", "nobody"], consistency="bounded")
    assert answer.status_code == httpx.codes.OK, answer.text
    first, second = answer.json()["results"]
    assert first["score"] is not None
    assert second["reason"] == "no_summary"
    assert (await fed.score("nurse", ["a"])).status_code == httpx.codes.SERVICE_UNAVAILABLE


async def test_a_tighter_bound_than_the_lag_turns_the_call_strict(fed):
    """And the answer says so: the broker holds each fetch for 50 ms, so the lag is never 1 ms."""
    answer = (await fed.score("nurse", ["a"], consistency="bounded", max_lag_ms=1)).json()
    assert (answer["consistency"], answer["lag_ms"], answer["why_strict"]) == ("strict", None, "lag")


async def test_a_near_cache_that_cannot_be_read_turns_the_call_strict(fed):
    """Here because it is closed."""
    await fed.app.state.parts.near_cache.close()
    answer = (await fed.score("nurse", ["a"], consistency="bounded")).json()
    assert (answer["consistency"], answer["why_strict"]) == ("strict", "unreadable")
    assert answer["results"][0]["score"] is not None


async def test_without_a_near_cache_bounded_is_strict(scorer):
    """It says why, and `/info` does not offer it."""
    answer = (await scorer.score("nurse", ["a"], consistency="bounded")).json()
    assert (answer["consistency"], answer["why_strict"]) == ("strict", "off")
    assert (await scorer.client.get("/info")).json()["consistency"] == ["strict"]


async def test_a_bound_needs_a_bounded_call(scorer):
    """422: it would mean nothing."""
    answer = await scorer.score("nurse", ["a"], max_lag_ms=100)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
