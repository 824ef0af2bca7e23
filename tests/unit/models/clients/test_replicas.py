"""One engine of several servers, and one server in trouble, on real sockets."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from models.clients.completions import CompletionsClient
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from schemas.circuit import BreakerConfig
from schemas.deadline import Deadline
from schemas.errors import BackendUnavailable, ConfigurationError, DeadlineExceeded, Overloaded, PrecisError
from tests.doubles.http_server import HttpServer, Request, answer, http_server

NEVER_AGAIN = BreakerConfig(num_failures=3, first_pause_s=3_600, max_pause_s=3_600)
PATIENT = BreakerConfig(num_failures=10**6)
FAST = TransportConfig(base_url="http://unset", first_backoff_s=0.001, max_backoff_s=0.002, breaker=PATIENT)
Respond = Callable[[Request], Awaitable[bytes | None]]


def says(status: int = 200, body: object = None, **headers: str) -> Respond:
    """A server that always answers so."""

    async def respond(_: Request) -> bytes:
        return answer({"ok": True} if body is None else body, status=status, **headers)

    return respond


async def hang(_: Request) -> bytes:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


GOOD = says(x_precis_revision="r1")
BUSY = says(429, {}, retry_after="30")
DOWN = says(503, {})


@asynccontextmanager
async def engine(
    *responses: Respond, config: TransportConfig = FAST
) -> AsyncIterator[tuple[EngineTransport, list[HttpServer]]]:
    """A transport to as many servers."""
    async with AsyncExitStack() as closing:
        servers = [await closing.enter_async_context(http_server(respond)) for respond in responses]
        config = replace(config, base_url=",".join(server.base_url for server in servers))
        transport = EngineTransport(config, backend="ranker", jitter=random.Random(0))
        closing.push_async_callback(transport.close)
        yield transport, servers


async def ask(transport: EngineTransport, *, budget_s: float = 20, **fields: object) -> str:
    """One call; the revision that answered, or the class of the error."""
    try:
        return (await transport.post("/v1/score", {}, deadline=Deadline.after(budget_s), **fields)).revision  # type: ignore[arg-type]
    except PrecisError as error:
        return type(error).__name__


async def test_a_result_has_the_revision_of_the_replica_that_gave_it() -> None:
    """Two replicas of two revisions in the middle of a roll-out: each answer says which it is of."""

    def names(model: str) -> Respond:
        async def respond(request: Request) -> bytes:
            if request.path == "/info":
                return answer({}, status=404)
            return answer({"data": [{"id": model}]} if request.path == "/v1/models" else {"by": model})

        return respond

    async with engine(names("old"), names("new")) as (transport, _):
        answers = [await transport.post("/v1/score", {}, deadline=Deadline.after(20)) for _ in range(20)]
    assert {(each.body["by"], each.revision) for each in answers} == {("old", "old"), ("new", "new")}


async def test_load_goes_where_fewer_tokens_are_outstanding() -> None:
    """While one replica works on a long call, short ones go to the other."""
    async with engine(hang, GOOD, config=replace(FAST, max_tries=1)) as (transport, servers):
        calls = []
        while not servers[0].requests:  # until one hangs
            calls.append(asyncio.create_task(ask(transport, tokens=5_000)))
            await asyncio.wait({calls[-1]}, timeout=0.05)
        num_before = len(servers[1].requests)
        assert [await ask(transport, tokens=10) for _ in range(10)] == ["r1"] * 10
        assert (len(servers[0].requests), len(servers[1].requests)) == (1, num_before + 10)
        calls[-1].cancel()
        await servers[0].peer_left.wait()


async def test_calls_with_one_prefix_meet_at_one_replica() -> None:
    """And those with others are spread over all."""
    async with engine(GOOD, GOOD, GOOD) as (transport, servers):
        for _ in range(9):
            await ask(transport, prefix=[2, 10, 11])
        assert sorted(len(server.requests) for server in servers) == [0, 0, 9]
        for query in range(60):
            await ask(transport, prefix=[2, query])
        assert all(len(server.requests) > 5 for server in servers)


async def test_a_retry_goes_to_another_replica() -> None:
    """One that answers 503 costs a try, not the call."""
    async with engine(DOWN, GOOD) as (transport, servers):
        assert {await ask(transport) for _ in range(10)} == {"r1"}
        assert len(servers[1].requests) == 10


async def test_a_refusal_goes_to_the_caller_and_the_replica_is_not_tried_before_its_time() -> None:
    """The first call hears it; the next ones go to the other replica, or are refused here with what is left."""
    async with engine(BUSY, GOOD) as (transport, servers):
        outcomes = [await ask(transport) for _ in range(30)]
        assert Counter(outcomes) == {"Overloaded": 1, "r1": 29}
        assert len(servers[0].requests) == 1
    async with engine(BUSY) as (transport, servers):
        await ask(transport)
        with pytest.raises(Overloaded, match="named a time that has not come") as caught:
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))
        assert 29 < caught.value.retry_after_s <= 30
        assert len(servers[0].requests) == 1


async def test_the_time_of_a_refusal_passes() -> None:
    """``Retry-After: 0`` holds nobody up."""
    answers = iter([answer({}, status=429, retry_after="0"), answer({"ok": True}, x_precis_revision="r1")])

    async def respond(_: Request) -> bytes:
        return next(answers)

    async with engine(respond) as (transport, _):
        assert [await ask(transport) for _ in range(2)] == ["Overloaded", "r1"]


async def test_an_engine_that_names_a_time_is_not_tried_again_before() -> None:
    """503 with ``Retry-After``: unavailable, and neither retried nor asked by later calls."""
    async with engine(says(503, {}, retry_after="30")) as (transport, servers):
        assert [await ask(transport) for _ in range(5)] == ["BackendUnavailable"] * 5
        assert len(servers[0].requests) == 1


async def test_a_replica_that_does_not_answer_is_left_alone() -> None:
    """After three failures in a row no call reaches it, and the error says why."""
    async with engine(DOWN, config=replace(FAST, breaker=NEVER_AGAIN)) as (transport, servers):
        assert [await ask(transport) for _ in range(5)] == ["BackendUnavailable"] * 5
        assert len(servers[0].requests) == 3
        with pytest.raises(BackendUnavailable, match="did not answer several times in a row; the next try is in 3"):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))
        assert transport.breaker_states == {servers[0].base_url: "open"}


async def test_each_replica_has_a_breaker_of_its_own() -> None:
    """Which one is away shows, through the clients too."""
    async with engine(GOOD, DOWN, config=replace(FAST, breaker=NEVER_AGAIN)) as (transport, servers):
        for _ in range(20):
            await ask(transport)
        states = {servers[0].base_url: "closed", servers[1].base_url: "open"}
        assert transport.breaker_states == states
        assert ScoringClient(transport).breaker_states == CompletionsClient(transport).breaker_states == states


async def test_one_call_tries_a_replica_that_was_left_alone() -> None:
    """When the pause is over a single call goes, however many wait; it is answered, and all go again."""
    breaker = BreakerConfig(num_failures=1, first_pause_s=1e-6, max_pause_s=1e-6)
    is_up, release, arrived = False, asyncio.Event(), asyncio.Event()

    async def respond(_: Request) -> bytes:
        if not is_up:
            return answer({}, status=503)
        arrived.set()
        await release.wait()
        return answer({"ok": True}, x_precis_revision="r1")

    async with engine(respond, config=replace(FAST, breaker=breaker, max_tries=1)) as (transport, servers):
        await ask(transport)
        is_up = True
        calls = [asyncio.create_task(ask(transport)) for _ in range(4)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await arrived.wait()
        assert len(servers[0].requests) == 2
        release.set()
        assert Counter(await asyncio.gather(*calls)) == {"BackendUnavailable": 3, "r1": 1}
        assert [await ask(transport) for _ in range(3)] == ["r1"] * 3


async def test_a_probe_whose_caller_left_does_not_close_the_door() -> None:
    """The next call is the probe."""
    breaker = BreakerConfig(num_failures=1, first_pause_s=1e-6, max_pause_s=1e-6)
    responses: list[Respond] = [DOWN, hang, GOOD]

    async def respond(request: Request) -> bytes | None:
        return await responses.pop(0)(request)

    async with engine(respond, config=replace(FAST, breaker=breaker, max_tries=1)) as (transport, _):
        await ask(transport)
        with pytest.raises(DeadlineExceeded):
            await transport.post("/v1/score", {}, deadline=Deadline.after(0.05))
        assert await ask(transport) == "r1"


@pytest.mark.parametrize("trouble", [DOWN, says(504, {}), says(429, {}, retry_after="0")], ids=["503", "504", "429"])
@pytest.mark.parametrize("num_replicas", [1, 3])
async def test_trouble_meets_little_more_than_what_was_asked(trouble: Respond, num_replicas: int) -> None:
    """Every call fails and wishes for two retries: requests stay within (1 + share) a call and the burst."""
    async with engine(*[trouble] * num_replicas) as (transport, servers):
        for _ in range(20):
            await asyncio.gather(*(ask(transport) for _ in range(10)))
        num_requests = sum(len(server.requests) for server in servers)
    assert 200 <= num_requests <= 200 * (1 + FAST.retry_share) + FAST.retry_burst


async def test_a_slow_call_is_hedged_once_where_that_is_wished_for() -> None:
    """The other replica answers; the request that lost is cancelled at its engine."""
    config = replace(FAST, hedge_after_s=0.01, hedge_share=1.0)
    async with engine(hang, GOOD, config=config) as (transport, servers):
        while not servers[0].requests:
            assert await ask(transport) == "r1"
        await servers[0].peer_left.wait()
        assert len(servers[0].requests) == 1


async def test_hedges_have_a_budget() -> None:
    """Where every call is slow, only a share of them is sent twice."""
    config = replace(FAST, hedge_after_s=0.001, hedge_share=0.05)
    async with engine(hang, hang, config=config) as (transport, servers):

        async def give_up() -> None:
            with pytest.raises(DeadlineExceeded):
                await transport.post("/v1/score", {}, deadline=Deadline.after(1.0))  # so that all of them arrive

        await asyncio.gather(*(give_up() for _ in range(40)))
        num_requests = sum(len(server.requests) for server in servers)
    assert 40 < num_requests <= 40 * 1.05 + 1


async def test_nothing_is_hedged_while_a_replica_refuses_work() -> None:
    """A refusal says that there is load; a hedge would be more of it."""
    config = replace(FAST, hedge_after_s=0.001, hedge_share=1.0)
    async with engine(BUSY, hang, GOOD, config=config) as (transport, servers):
        assert await ask(transport.each()[0]) == "Overloaded"
        while not servers[1].requests:  # until a call meets the one that hangs
            outcome = await ask(transport, budget_s=0.1)
        assert outcome == "DeadlineExceeded"
        assert [len(server.requests) for server in servers[:2]] == [1, 1]


async def test_each_replica_can_be_asked_alone() -> None:
    """Over the connections that calls use."""
    async with engine(says(x_precis_revision="a"), says(x_precis_revision="b")) as (transport, servers):
        assert [await ask(alone) for alone in transport.each()] == ["a", "b"]
        assert [alone.address for alone in transport.each()] == [server.base_url for server in servers]
        assert [await ask(alone) for alone in transport.each()] == ["a", "b"]
        assert [server.num_connections for server in servers] == [1, 1]


@pytest.mark.parametrize("base_url", ["", ",", "http://a,b", "http://a, http://a/"])
def test_addresses_that_cannot_work_are_refused(base_url: str) -> None:
    """None, one without a scheme, one twice."""
    with pytest.raises(ConfigurationError, match="engine address"):
        TransportConfig(base_url=base_url)
