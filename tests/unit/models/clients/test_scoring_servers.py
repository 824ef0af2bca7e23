"""One client in front of each kind of server: found out by asking, primed, cut into calls, read in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from models.clients.kinds import UNKNOWN, EngineFacts, EngineKind, facts_of
from models.clients.ports import Scores
from models.clients.scoring import CallLimits, ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, BackendUnavailable, PromptTooLong
from tests.doubles.http_server import HttpServer, Request, answer, http_server

QUERY = list(range(100, 200))
ITEMS = [[3, index, 4] for index in range(5)] + [[3, 4]] + [[3, index, 4] for index in range(6, 10)]
VALUES = tuple(1 / (2 + sum(item)) for item in ITEMS)


class Server:
    """Speaks as one kind does. ``bend`` changes an answer before it is sent."""

    def __init__(self, owner: str, *, context: int | None = 4_096) -> None:
        self.owner = owner
        self.context = context
        self.revisions = ["r1"]
        self.calls: list[list[list[int]]] = []
        self.bend = lambda body: body

    async def __call__(self, request: Request) -> bytes:
        if request.path == "/v1/models":
            return answer({"data": [{"id": "m", "owned_by": self.owner, "max_model_len": self.context}]})
        if request.path != ("/generative_scoring" if self.owner == "vllm" else "/v1/score"):
            return answer({"detail": "Not Found"}, status=404)
        query, items = request.body["query"], request.body["items"]
        self.calls.append(items)
        scores = [1 / (2 + sum(item)) for item in items]
        num_read = len(query) * len(items) + sum(map(len, items))
        body: dict[str, Any] = {"usage": {"prompt_tokens": num_read}}
        if self.owner == "vllm":
            rows = [{"index": index, "object": "score", "score": score} for index, score in enumerate(scores)]
            body["data"] = rows[::-1]  # the order of the list is not promised
        else:
            body["scores"] = [[score, 1 - score] for score in scores]
        revision = self.revisions.pop(0) if len(self.revisions) > 1 else self.revisions[0]
        return answer(self.bend(body), x_precis_revision=revision)


@asynccontextmanager
async def client_of(server: Server, **options: Any) -> AsyncIterator[tuple[ScoringClient, HttpServer]]:
    """A client of it."""
    async with http_server(server) as http:
        client = ScoringClient(EngineTransport(TransportConfig(base_url=http.base_url), backend="ranker"), **options)
        yield client, http
        await client.close()


async def score(client: ScoringClient, items: Sequence[Sequence[int]] = ITEMS) -> Scores:
    """One call."""
    return await client.score(QUERY, items, label_token_ids=(8, 9), deadline=Deadline.after(20))


@pytest.mark.parametrize("owner", ["precis", "sglang", "vllm", "somebody"])
async def test_scores_come_in_the_order_of_the_items_from_every_kind(owner: str) -> None:
    """The kind is asked once; primed or not, by list or by index, the caller sees the same."""
    async with client_of(Server(owner)) as (client, http):
        assert [await score(client) for _ in range(3)] == [Scores(VALUES, "r1")] * 3
    assert [request.path for request in http.requests].count("/v1/models") == 1


async def test_sglang_is_primed_with_the_shortest_item_once_a_query() -> None:
    """Its other items then find the query's prefix; so do the next calls of the query."""
    server = Server("sglang")
    async with client_of(server) as (client, _):
        await score(client)
        assert server.calls == [[[3, 4]], [item for item in ITEMS if item != [3, 4]]]
        await score(client)
        assert server.calls[2:] == [ITEMS]


async def test_a_prefix_that_is_hardly_shared_is_not_primed() -> None:
    """A round trip more costs more than two items' prefix."""
    server = Server("sglang")
    async with client_of(server) as (client, _):
        await score(client, ITEMS[:2])
    assert server.calls == [ITEMS[:2]]


@pytest.mark.parametrize("owner", ["precis", "vllm"])
async def test_servers_that_share_a_prefix_themselves_are_not_primed(owner: str) -> None:
    """One request."""
    server = Server(owner)
    async with client_of(server) as (client, _):
        await score(client)
    assert server.calls == [ITEMS]


@pytest.mark.parametrize("owner", ["precis", "sglang", "vllm"])
@pytest.mark.parametrize(("limits", "longest"), [({"max_items": 4}, 4), ({"max_tokens": 100 + 9}, 3)])
async def test_a_request_is_cut_below_the_limits(owner: str, limits: dict[str, int], longest: int) -> None:
    """No call is larger, none is needlessly small, and the caller sees one answer."""
    server = Server(owner)
    async with client_of(server, limits=CallLimits(**limits)) as (client, _):
        assert await score(client) == Scores(VALUES, "r1")
    assert max(map(len, server.calls)) == longest
    assert sum(map(len, server.calls)) == len(ITEMS)


async def test_parts_of_two_revisions_are_no_answer() -> None:
    """One result has one revision: a mixed one could be cached under either."""
    server = Server("precis")
    server.revisions = ["r1", "r2"]
    async with client_of(server, limits=CallLimits(max_items=5)) as (client, _):
        with pytest.raises(BackendUnavailable, match=r"revisions \['r1', 'r2'\]"):
            await score(client)
        assert (await score(client)).revision == "r2"


async def test_a_prompt_that_vllm_would_cut_is_not_sent() -> None:
    """It keeps one token of its context for itself, and cuts what is longer without a word."""
    server = Server("vllm", context=100 + 11)
    async with client_of(server) as (client, _):
        with pytest.raises(PromptTooLong, match="prompt of 111 tokens is over the 110"):
            await score(client, [[1] * 11])
        assert server.calls == []
        assert len((await score(client, [[1] * 10])).values) == 1


@pytest.mark.parametrize("owner", ["precis", "sglang", "vllm"])
@pytest.mark.parametrize("difference", [-1, 1])
async def test_an_engine_that_read_another_prompt_is_refused(owner: str, difference: int) -> None:
    """Fewer tokens than were sent: cut. More: a template or a start token of its own."""
    server = Server(owner)
    server.bend = lambda body: body | {"usage": {"prompt_tokens": body["usage"]["prompt_tokens"] + difference}}
    async with client_of(server) as (client, _):
        with pytest.raises(BackendProtocolError, match=r"prompt tokens of \d+ that were sent"):
            await score(client)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        [{"index": 0, "score": 0.5}],
        [{"index": 0, "score": 0.5}, {"index": 0, "score": 0.5}],
        [{"index": 0, "score": 0.5}, {"index": 2, "score": 0.5}],
        [{"index": 0, "score": 0.5}, {"score": 0.5}],
        [{"index": 0, "score": 0.5}, {"index": 1, "score": 1.5}],
        [{"index": 0, "score": 0.5}, {"index": 1, "score": "0.5"}],
        [{"index": 0, "score": 0.5}, {"index": 1, "score": None}],
    ],
    ids=str,
)
async def test_what_is_no_score_of_each_item_is_a_protocol_error(data: object) -> None:
    """Of vLLM's form: every item once, each a probability."""
    server = Server("vllm")
    server.bend = lambda body: body | {"data": data}
    async with client_of(server) as (client, _):
        with pytest.raises(BackendProtocolError, match="`data` holds"):
            await score(client, ITEMS[:2])


async def test_another_kind_of_server_at_the_same_address_is_found_out() -> None:
    """The call that meets it fails, the next one does not."""
    server = Server("sglang")
    async with client_of(server) as (client, _):
        await score(client)
        server.owner = "vllm"
        with pytest.raises(BackendProtocolError, match="404"):
            await score(client)
        assert await score(client) == Scores(VALUES, "r1")


async def test_a_kind_that_is_said_is_not_guessed() -> None:
    """Where a gateway answers ``/v1/models`` itself; the context is taken from there all the same."""
    server = Server("sglang")
    async with client_of(server, kind=EngineKind.LOCAL) as (client, _):
        await score(client)
    assert server.calls == [ITEMS]


async def test_each_replica_is_asked_alone_as_the_whole_is() -> None:
    """With the same model name and limits."""
    server = Server("precis")
    async with client_of(server, model="m", limits=CallLimits(max_items=6)) as (client, http):
        (alone,) = client.each()
        assert alone.address == client.address == http.base_url
        assert await score(alone) == Scores(VALUES, "r1")
    assert [len(call) for call in server.calls] == [6, 4]
    assert {request.body["model"] for request in http.requests if request.body} == {"m"}


@pytest.mark.parametrize(
    ("models", "facts"),
    [
        ({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 4096}]}, EngineFacts(EngineKind.VLLM, 4096)),
        ({"data": [{"id": "m", "owned_by": "sglang", "root": "m"}]}, EngineFacts(EngineKind.SGLANG)),
        ({"data": [{"id": "m", "owned_by": "precis", "max_model_len": 2048}]}, EngineFacts(EngineKind.LOCAL, 2048)),
        ({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": None}]}, EngineFacts(EngineKind.VLLM)),
        ({"data": [{"id": "m", "owned_by": "organization-owner"}]}, UNKNOWN),
        ({"data": [{"id": "m", "owned_by": None}]}, UNKNOWN),
        ({"data": []}, UNKNOWN),
        ({"data": "m"}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_the_facts_are_read_from_the_model_list(models: dict[str, Any], facts: EngineFacts) -> None:
    """As each server writes it; whoever says nothing is taken to need nothing."""
    assert facts_of(models) == facts
