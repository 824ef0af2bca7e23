"""The client of vLLM's ``/generative_scoring`` reads what the protocol says and refuses the rest."""

import pytest

from models.clients.ports import Scores
from models.clients.transport import EngineTransport, TransportConfig
from ops.engine.generative_scoring import GenerativeScoringClient
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, PromptTooLong
from tests.doubles.http_server import answer, http_server

ITEMS = [[3, 4], [3, 5, 4]]


async def score(body, *, items=ITEMS, context_tokens=100):
    """Ask an engine that answers with this body; its scores and the requests it saw."""

    async def respond(request):
        return answer(body, x_precis_revision="r1")

    async with http_server(respond) as server:
        transport = EngineTransport(TransportConfig(base_url=server.base_url), backend="ranker")
        client = GenerativeScoringClient(transport, context_tokens=context_tokens)
        try:
            scores = await client.score([2, 9], items, label_token_ids=(8, 7), deadline=Deadline.after(20))
        finally:
            await client.close()
        return scores, [request.body for request in server.requests]


async def test_scores_are_read_in_the_order_of_the_items():
    """By index, not by place."""
    scores, (request,) = await score({"data": [{"index": 1, "score": 0.25}, {"index": 0, "score": 0.75}]})
    assert scores == Scores((0.75, 0.25), "r1")
    assert (request["query"], request["items"], request["label_token_ids"]) == ([2, 9], ITEMS, [8, 7])


async def test_a_prompt_that_would_be_cut_silently_is_refused_here():
    """There it is cut on the right and answered with 200; the answer token counts too."""
    with pytest.raises(PromptTooLong, match="6 tokens, the engine serves 5"):
        await score({"data": []}, context_tokens=5)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": [{"index": 0, "score": 0.5}]},
        {"data": [{"index": 0, "score": 0.5}, {"index": 0, "score": 0.5}]},
        {"data": [{"index": 0, "score": 0.5}, {"index": 1, "score": 1.5}]},
        {"data": [{"index": 0, "score": 0.5}, {"index": 1, "score": None}]},
    ],
)
async def test_another_form_is_a_protocol_error(body):
    """A score is missing, double, or no probability."""
    with pytest.raises(BackendProtocolError):
        await score(body)
