"""HTTP to the judge, on real sockets: what is tried again, what ends a run, what is said and what is not."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from models.labels.endpoint import Endpoint, EndpointConfig
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    ConfigurationError,
    Overloaded,
    PromptTooLong,
)
from tests.doubles.http_server import HttpServer, Request, answer, http_server, refused_address

OK = answer({"ok": True})
PATH = "/v1/chat/completions"


class Waits:
    """Stands for time: remembers how long was to be waited, and waits not at all."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def in_turn(*answers: bytes | None) -> Callable[[Request], Awaitable[bytes | None]]:
    """One after the other, the last for ever."""
    left = list(answers)

    async def respond(_: Request) -> bytes | None:
        return left.pop(0) if len(left) > 1 else left[0]

    return respond


@asynccontextmanager
async def endpoint_to(
    *answers: bytes | None, key: str = "", **config: Any
) -> AsyncIterator[tuple[Endpoint, HttpServer, Waits]]:
    """An endpoint that gives these answers in turn."""
    waits = Waits()
    async with http_server(in_turn(*answers)) as server:
        settings = EndpointConfig(url=f"{server.base_url}/v1", key=key, key_name="JUDGE_KEY", **config)
        endpoint = Endpoint(settings, jitter=random.Random(0), wait=waits)
        yield endpoint, server, waits
        await endpoint.close()


async def test_the_key_is_sent_and_the_path_is_not_doubled():
    """``/v1`` may stand in the address, as other clients want it."""
    async with endpoint_to(OK, key="sk-secret") as (endpoint, server, _):
        assert await endpoint.post(PATH, {"a": 1}) == {"ok": True}
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", PATH, {"a": 1})
    assert request.headers["authorization"] == "Bearer sk-secret"


async def test_without_a_key_none_is_sent():
    """Nobody's environment leaks to another endpoint."""
    async with endpoint_to(OK) as (endpoint, server, _):
        await endpoint.post(PATH, {})
    assert "authorization" not in server.requests[0].headers


async def test_a_refusal_of_work_is_waited_for_as_long_as_it_says():
    """429 with Retry-After; without it, back-off alone."""
    busy = answer({"error": {"message": "slow down"}}, status=429, retry_after="7")
    async with endpoint_to(busy, busy, OK) as (endpoint, server, waits):
        assert await endpoint.post(PATH, {}) == {"ok": True}
    assert len(server.requests) == 3
    assert max(waits.seconds) == 7
    assert waits.seconds.count(7) == 2


async def test_others_hold_back_while_the_endpoint_wants_it():
    """A limit is of the endpoint, not of one call."""
    busy = answer({}, status=429, retry_after="30")
    async with endpoint_to(busy, OK) as (endpoint, _, waits):
        await endpoint.post(PATH, {})
        waits.seconds.clear()
        await endpoint.post(PATH, {})
    assert len(waits.seconds) == 1
    assert 25 < waits.seconds[0] <= 30


@pytest.mark.parametrize("trouble", [answer({}, status=status) for status in (408, 500, 502, 503, 504)] + [None])
async def test_passing_trouble_is_tried_again_with_growing_waits(trouble):
    """Also a connection that broke."""
    async with endpoint_to(trouble, trouble, trouble, OK, first_backoff_s=1.0) as (endpoint, server, waits):
        assert await endpoint.post(PATH, {}) == {"ok": True}
    assert len(server.requests) == 4
    first, second, third = waits.seconds
    assert 0.5 <= first <= 1 <= second <= 2 <= third <= 4


async def test_what_a_server_asks_for_while_it_starts_is_heard():
    """503 with Retry-After is a wait too."""
    async with endpoint_to(answer({}, status=503, retry_after="9"), OK) as (endpoint, _, waits):
        await endpoint.post(PATH, {})
    assert 9 in waits.seconds


async def test_patience_ends():
    """The last trouble is what is raised."""
    busy = answer({"error": {"message": "quota spent"}}, status=429, retry_after="50")
    async with endpoint_to(busy, patience_s=20) as (endpoint, _, waits):
        with pytest.raises(Overloaded, match="quota spent"):
            await endpoint.post(PATH, {})
    assert waits.seconds == []
    endpoint = Endpoint(EndpointConfig(url=await refused_address(), patience_s=0.01))
    with pytest.raises(BackendUnavailable, match="Cannot connect"):
        await endpoint.post(PATH, {})
    await endpoint.close()


async def test_an_answer_that_does_not_come_is_a_time_out():
    """And the connection is given up, so that the endpoint stops."""

    async def hang(_: Request) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    async with http_server(hang) as server:
        endpoint = Endpoint(EndpointConfig(url=server.base_url, timeout_s=0.05, patience_s=0.06))
        with pytest.raises(BackendTimeout, match=r"no answer within 0\.05 s"):
            await endpoint.post(PATH, {})
        await asyncio.wait_for(server.peer_left.wait(), 10)
        await endpoint.close()


async def test_a_refused_key_ends_the_run_and_is_never_shown():
    """Even where the endpoint repeats it; the variable is named."""
    echo = answer({"error": {"message": "Incorrect API key provided: sk-secret"}}, status=401)
    async with endpoint_to(echo, key="sk-secret") as (endpoint, server, _):
        with pytest.raises(ConfigurationError, match=r"HTTP 401: Incorrect .*\*\*\*; the key in JUDGE_KEY") as caught:
            await endpoint.post(PATH, {})
    assert "sk-secret" not in str(caught.value)
    assert len(server.requests) == 1
    assert "sk-secret" not in repr(EndpointConfig(url="http://a", key="sk-secret"))


async def test_a_missing_key_says_how_to_give_one():
    """401 without a key."""
    async with endpoint_to(answer({}, status=401)) as (endpoint, _, _waits):
        with pytest.raises(ConfigurationError, match="--key-env"):
            await endpoint.post(PATH, {})


async def test_an_unknown_model_ends_the_run():
    """As vLLM and OpenAI say it."""
    unknown = answer({"error": {"message": "The model `x` does not exist.", "type": "NotFoundError"}}, status=404)
    async with endpoint_to(unknown) as (endpoint, _, _waits):
        with pytest.raises(ConfigurationError, match=r"The model `x` does not exist\..*--model"):
            await endpoint.post(PATH, {})


async def test_a_prompt_that_does_not_fit_is_the_pairs_own_fault():
    """So the run goes on."""
    long = answer({"error": {"message": "maximum context length is 4096 tokens"}}, status=400)
    async with endpoint_to(long) as (endpoint, server, _):
        with pytest.raises(PromptTooLong, match="maximum context length"):
            await endpoint.post(PATH, {})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"<html>", "not JSON"), (b"[1]", "JSON list"), (b'{"a": NaN}', "not JSON"), (b"\xff", "not JSON")],
)
async def test_an_answer_that_is_no_object_is_refused(content, said):
    """With its beginning."""
    async with endpoint_to(answer(content)) as (endpoint, _, _waits):
        with pytest.raises(BackendProtocolError, match=said):
            await endpoint.post(PATH, {})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"url": "localhost:8000"}, "must be an address"),
        ({"url": "https://"}, "must be an address"),
        ({"url": "http://a", "key": "two words", "key_name": "K"}, "the key in K"),
        ({"url": "http://a", "concurrency": 0}, "at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(config, said):
    """The key's text stays out of the message."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        EndpointConfig(**config)
    assert "two words" not in str(caught.value)
