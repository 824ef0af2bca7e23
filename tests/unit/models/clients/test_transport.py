"""HTTP to one engine, on real sockets: deadlines, retries, broken connections, revisions."""

import asyncio
import random
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from models.clients.transport import EngineTransport, TransportConfig
from schemas.deadline import Deadline
from schemas.errors import (
    BackendProtocolError,
    BackendUnavailable,
    ConfigurationError,
    DeadlineExceeded,
    Overloaded,
)
from tests.doubles.http_server import Request, answer, http_server, refused_address

FAST = TransportConfig(base_url="http://unset", first_backoff_s=0.001, max_backoff_s=0.002)
OK = answer({"ok": True}, x_precis_revision="r1")


class _Closing(AbstractAsyncContextManager[EngineTransport]):
    def __init__(self, transport: EngineTransport) -> None:
        self._transport = transport

    async def __aenter__(self) -> EngineTransport:
        return self._transport

    async def __aexit__(self, *_: object) -> None:
        await self._transport.close()


def transport_to(base_url: str, config: TransportConfig = FAST) -> _Closing:
    """A transport to the address, closed at the end."""
    config = replace(config, base_url=base_url)
    return _Closing(EngineTransport(config, backend="ranker", jitter=random.Random(0)))


async def respond_ok(_: Request) -> bytes:
    """Always well."""
    return OK


async def hang(_: Request) -> bytes:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def test_body_headers_and_revision_cross_the_wire() -> None:
    """The payload arrives as JSON with the milliseconds that are left; body and revision come back."""
    async with http_server(respond_ok) as server, transport_to(server.base_url) as transport:
        result = await transport.post("/v1/score", {"query": [1]}, deadline=Deadline.after(20))
    assert (result.body, result.revision) == ({"ok": True}, "r1")
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/v1/score", {"query": [1]})
    assert request.headers["content-type"] == "application/json"
    assert 0 < int(request.headers["x-request-deadline-ms"]) <= 20_000


async def test_a_connection_is_used_again() -> None:
    """Calls one after another take one connection."""
    async with http_server(respond_ok) as server, transport_to(server.base_url) as transport:
        for _ in range(5):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))
    assert server.num_connections == 1


async def test_nothing_listening_is_unavailable_after_the_tries() -> None:
    """A refused connection is tried again, then said: not reachable, where, and what was asked."""
    address = await refused_address()
    async with transport_to(address) as transport:
        with pytest.raises(BackendUnavailable, match=f"ranker /v1/score: {address}: ClientConnectorError"):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    """An engine that is down is said to be down, not to be late: nearline pauses for one and not for the other."""
    patient = replace(FAST, first_backoff_s=3_600, max_backoff_s=3_600)
    async with transport_to(await refused_address(), patient) as transport:
        with pytest.raises(BackendUnavailable):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_an_engine_that_comes_up_is_found_within_the_tries(status: int) -> None:
    """Unavailable twice, then well: the caller sees only that it is well."""
    answers = iter([answer({}, status=status), answer({}, status=status), OK])

    async def respond(_: Request) -> bytes:
        return next(answers)

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        assert (await transport.post("/v1/score", {}, deadline=Deadline.after(20))).body == {"ok": True}
    assert len(server.requests) == 3


async def test_tries_are_bounded() -> None:
    """Three tries and no more."""

    async def respond(_: Request) -> bytes:
        return answer({}, status=503)

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        with pytest.raises(BackendUnavailable, match="HTTP 503"):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))
    assert len(server.requests) == 3


async def test_a_connection_that_breaks_before_the_answer_is_tried_again() -> None:
    """A kept connection that the engine closed, or a crash: scores have no effects, so asking again is safe."""
    answers = iter([None, OK])

    async def respond(_: Request) -> bytes | None:
        return next(answers)

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        assert (await transport.post("/v1/score", {}, deadline=Deadline.after(20))).revision == "r1"
    assert server.num_connections == 2


async def test_an_answer_cut_in_the_middle_is_unavailable() -> None:
    """Half an answer is none."""

    async def respond(_: Request) -> bytes:
        server.close_after_answer()
        return OK[:-3]

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        with pytest.raises(BackendUnavailable):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))
    assert len(server.requests) == 3


@pytest.mark.timeout(20)  # a transport that waits longer than its deadline must fail here, not be patient
async def test_a_slow_answer_ends_with_the_deadline_and_closes_the_connection() -> None:
    """The caller is told in time, and the engine sees that nobody waits any more."""
    async with http_server(hang) as server, transport_to(server.base_url) as transport:
        with pytest.raises(DeadlineExceeded, match="ranker /v1/score"):
            await transport.post("/v1/score", {}, deadline=Deadline.after(0.05))
        await server.peer_left.wait()
    assert len(server.requests) == 1


async def test_a_cancelled_call_closes_its_connection() -> None:
    """Cancellation reaches the engine."""
    async with http_server(hang) as server, transport_to(server.base_url) as transport:
        task = asyncio.create_task(transport.post("/v1/score", {}, deadline=Deadline.after(60)))
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.peer_left.wait()


async def test_a_spent_deadline_sends_nothing() -> None:
    """No request without budget."""
    async with http_server(respond_ok) as server, transport_to(server.base_url) as transport:
        with pytest.raises(DeadlineExceeded):
            await transport.post("/v1/score", {}, deadline=Deadline.after(0))
    assert server.requests == []


async def test_a_refusal_is_not_tried_again() -> None:
    """429 goes to the caller at once, with the hint."""

    async def respond(_: Request) -> bytes:
        return answer({}, status=429, retry_after="2")

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        with pytest.raises(Overloaded) as caught:
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))
    assert caught.value.retry_after_s == 2.0
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        answer(b"not json"),
        answer([1, 2]),
        answer(b'{"scores": [[NaN, 1]]}'),
        answer(b""),
        answer({}, status=500),
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
    ids=["text", "list", "nan", "empty", "500", "not-http"],
)
async def test_an_answer_in_another_form_is_said_once(content: bytes) -> None:
    """A second try would answer alike, so there is none."""

    async def respond(_: Request) -> bytes:
        return content

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        with pytest.raises(BackendProtocolError):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))
    assert len(server.requests) == 1


async def test_without_the_header_the_revision_is_read_once_a_connection() -> None:
    """VLLM and SGLang name their model in the model list; an engine that restarted with another one is noticed."""
    model = "model-1"

    async def respond(request: Request) -> bytes:
        if request.path == "/info":
            return answer({"detail": "Not Found"}, status=404)
        return answer({"data": [{"id": model}]} if request.path == "/v1/models" else {"ok": True})

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        revisions = [(await transport.post("/v1/score", {}, deadline=Deadline.after(20))).revision for _ in range(3)]
        model = "model-2"
        server.drop_connections()
        revisions += [(await transport.post("/v1/score", {}, deadline=Deadline.after(20))).revision for _ in range(2)]
    assert revisions == ["model-1"] * 3 + ["model-2"] * 2
    assert [request.path for request in server.requests].count("/v1/models") == 2


async def test_revision_is_that_of_info_and_waits_for_the_model() -> None:
    """The local engine says it there; while it loads it has none, and that is no name to be used."""
    revisions = iter([None, "weights-1"])

    async def respond(_: Request) -> bytes:
        return answer({"model": "ranker-tiny", "revision": next(revisions)})

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        with pytest.raises(BackendUnavailable, match="not loaded"):
            await transport.revision()
        server.drop_connections()
        revisions = iter(["weights-1", "weights-1"])
        assert await transport.revision() == "weights-1"


@pytest.mark.parametrize("models", [{}, {"data": []}, {"data": [{"id": ""}]}, {"data": ["x"]}, {"data": {}}])
async def test_a_model_list_without_a_name_is_a_protocol_error(models: object) -> None:
    """A score of nobody knows which model is not handed out."""

    async def respond(request: Request) -> bytes:
        return answer(models if request.path == "/v1/models" else {"ok": True})

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        with pytest.raises(BackendProtocolError, match="model list"):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))


async def test_a_closed_transport_is_unavailable() -> None:
    """Calls after ``close`` are refused as what they are."""
    async with http_server(respond_ok) as server, transport_to(server.base_url) as transport:
        await transport.close()
        with pytest.raises(BackendUnavailable, match="closed"):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))


@pytest.mark.parametrize(
    "changes",
    [{"base_url": "127.0.0.1:8101"}, {"max_tries": 0}, {"connect_timeout_s": 0}, {"max_connections": 0}],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object]) -> None:
    """At start, with the value named."""
    (value,) = changes.values()
    with pytest.raises(ConfigurationError, match=str(value)):
        TransportConfig(**({"base_url": "http://engine"} | changes))


async def test_every_try_has_a_name_of_its_own() -> None:
    """VLLM logs a request under ``x-request-id``, and must not meet the same one twice."""
    answers = iter([answer({}, status=503), OK, OK])

    async def respond(_: Request) -> bytes:
        return next(answers)

    async with http_server(respond) as server, transport_to(server.base_url) as transport:
        for _ in range(2):
            await transport.post("/v1/score", {}, deadline=Deadline.after(20))
    assert len({request.headers["x-request-id"] for request in server.requests}) == 3
