"""The client in front of SGLang that packs the items of a request: a double of it, see there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from models.bundle import Role, load_bundle
from models.clients.examination import examine_ranker
from models.clients.kinds import EngineFacts, EngineKind, with_packing
from models.clients.scoring import CallLimits, ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, PromptTooLong
from tests.doubles.http_server import HttpServer, http_server
from tests.doubles.packing_sglang import PackingSglang
from tests.doubles.ranker_bundle import write_ranker_bundle

QUERY = list(range(100, 200))
ITEMS = [[100 + index, *range(index + 3)] for index in range(20)]


@asynccontextmanager
async def client_of(
    server: PackingSglang, limits: CallLimits | None = None
) -> AsyncIterator[tuple[ScoringClient, HttpServer]]:
    """A client of it."""
    async with http_server(server) as http:
        config = TransportConfig(base_url=http.base_url)
        client = ScoringClient(EngineTransport(config, backend="ranker"), limits=limits)
        yield client, http
        await client.close()


async def score(client: ScoringClient, items: Sequence[Sequence[int]] = ITEMS) -> tuple[float, ...]:
    """One call."""
    return (await client.score(QUERY, items, label_token_ids=(8, 9), deadline=Deadline.after(20))).values


async def test_nothing_is_sent_ahead_of_a_packed_request() -> None:
    """Without a prefix cache an item ahead is one sequence more; the mode is asked of the server, once."""
    server = PackingSglang()
    async with client_of(server) as (client, http):
        assert len(await score(client)) == len(await score(client)) == len(ITEMS)
    assert server.calls == [ITEMS, ITEMS]
    assert [request.path for request in http.requests].count("/server_info") == 1


async def test_the_same_server_without_packing_is_primed() -> None:
    """What it was started with decides, not what it is."""
    server = PackingSglang()
    server.is_packing = False
    async with client_of(server) as (client, _):
        apart = await score(client)
    assert server.calls == [ITEMS[:1], ITEMS[1:]]
    async with client_of(PackingSglang()) as (client, _):
        assert await score(client) == apart


@pytest.mark.parametrize("bound", [160, 190, 251, 4_090])
async def test_a_request_is_cut_into_sequences_below_the_servers_bound(bound: int) -> None:
    """Delimiters counted: each sequence fits, none could have taken the next item too, and the answer is one."""
    server = PackingSglang(max_req_input_len=bound)
    async with client_of(server) as (client, _):
        values = await score(client)
    async with client_of(PackingSglang()) as (client, _):
        assert values == await score(client)
    assert [item for call in server.calls for item in call] == ITEMS
    for sequence, (following, *_) in zip(server.sequences, server.calls[1:], strict=False):
        assert len(sequence) < bound <= len(sequence) + len(following) + 1


async def test_a_sequence_is_not_longer_than_one_step_of_the_server() -> None:
    """Its key-value pool may be large; a step beyond its budget takes memory that was not set aside."""
    server = PackingSglang(max_req_input_len=100_000, max_prefill_tokens=180)
    async with client_of(server) as (client, _):
        await score(client)
    assert len(server.sequences) > 1
    assert max(map(len, server.sequences)) <= 180


async def test_the_callers_limits_hold_besides() -> None:
    """The smaller of both."""
    server = PackingSglang()
    async with client_of(server, CallLimits(max_items=6)) as (client, _):
        await score(client)
    assert [len(call) for call in server.calls] == [6, 6, 6, 2]


async def test_an_item_that_fills_a_sequence_alone_is_sent_and_a_longer_one_is_not() -> None:
    """Refused here, it does not take the items beside it along."""
    server = PackingSglang(max_req_input_len=100 + 1 + 10 + 1 + 1)
    async with client_of(server) as (client, _):
        assert len(await score(client, [[1] * 10, [2]])) == 2
        num_calls = len(server.calls)
        with pytest.raises(PromptTooLong, match="prompt of 111 tokens is over the 110"):
            await score(client, [[2], [1] * 11])
    assert len(server.calls) == num_calls


async def test_a_restart_in_the_other_mode_is_found_out() -> None:
    """The tokens that it says it read are not those of the mode: the call fails, the next one does not."""
    server = PackingSglang()
    async with client_of(server) as (client, _):
        values = await score(client)
        for is_packing in (False, True):
            server.is_packing = is_packing
            with pytest.raises(BackendProtocolError, match="with or without packing"):
                await score(client)
            assert await score(client) == values


async def test_the_examination_sees_items_that_influence_each_other(tmp_path: Path) -> None:
    """Together, backwards and alone: a mask that leaks in this mode is found before a service is ready."""
    bundle = load_bundle(await write_ranker_bundle(tmp_path), Role.RANKER)
    server = PackingSglang()
    async with client_of(server) as (client, _):
        sound = await examine_ranker(client, bundle, deadline=Deadline.after(60), tolerance=1e-4)
        server.lets_items_see_each_other = True
        broken = await examine_ranker(client, bundle, deadline=Deadline.after(60), tolerance=1e-4)
    assert max(map(len, server.calls)) > 1, "a request of one item shows nothing"
    assert sound.problems == ()
    assert any("the items of a pack collapse" in problem for problem in broken.problems)


SGLANG = EngineFacts(EngineKind.SGLANG, 4_096)


@pytest.mark.parametrize(
    ("info", "pack_tokens"),
    [
        ({"enable_mis": True, "max_req_input_len": 4_090, "max_prefill_tokens": 16_384}, 4_089),
        ({"enable_mis": True, "max_req_input_len": 40_954, "max_prefill_tokens": 16_384}, 16_384),
        ({"enable_mis": True, "max_req_input_len": 4_090}, 4_089),
        ({"enable_mis": False, "max_req_input_len": 4_090, "max_prefill_tokens": 16_384}, None),
        ({"max_req_input_len": 4_090}, None),
        ({}, None),
    ],
)
def test_the_mode_is_read_from_the_servers_own_account(info: dict[str, object], pack_tokens: int | None) -> None:
    """A server that does not know the mode does not have it."""
    assert with_packing(SGLANG, info).pack_tokens == pack_tokens
