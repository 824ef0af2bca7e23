"""The client of ``/v1/score`` reads what the protocol says and refuses the rest."""

import json

import pytest

from models.clients.ports import Scores
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError
from tests.doubles.http_server import Request, answer, http_server

ITEMS = [[3, 4], [3, 5, 4]]


async def score(body: object, *, model: str | None = None, seen: list[bytes] | None = None) -> Scores:
    """Ask an engine that answers with this body."""

    async def respond(request: Request) -> bytes:
        if request.method == "GET":  # which server it is: of no known kind
            return answer({})
        if seen is not None:
            seen.append(json.dumps(request.body).encode())
        return answer(json.dumps(body).encode(), x_precis_revision="r1")

    async with http_server(respond) as server:
        transport = EngineTransport(TransportConfig(base_url=server.base_url), backend="ranker")
        client = ScoringClient(transport, model=model)
        try:
            return await client.score([2, 9], ITEMS, label_token_ids=(8, 7), deadline=Deadline.after(20))
        finally:
            await client.close()


async def test_the_first_label_is_the_score() -> None:
    """An answer as SGLang writes it; whole numbers count as probabilities too."""
    body = {"scores": [[0.875, 0.125], [0, 1]], "usage": {"prompt_tokens": 9}, "object": "scoring"}
    assert await score(body) == Scores((0.875, 0.0), "r1")


async def test_the_request_asks_for_a_softmax_after_the_query() -> None:
    """As SGLang and the local engine read it; the model's name where one is set."""
    seen: list[bytes] = []
    await score({"scores": [[1.0, 0.0], [0.5, 0.5]]}, model="ranker-tiny", seen=seen)
    (content,) = seen
    assert json.loads(content) == {
        "model": "ranker-tiny",
        "query": [2, 9],
        "items": [[3, 4], [3, 5, 4]],
        "label_token_ids": [8, 7],
        "apply_softmax": True,
        "item_first": False,
    }


async def test_rounding_of_the_engine_is_no_error() -> None:
    """A softmax in low precision may pass 1 by a little; the score does not."""
    assert (await score({"scores": [[1.0000001, 0.0], [0.4961, 0.5]]})).values == (1.0, 0.4961)


@pytest.mark.parametrize(
    "scores",
    [
        None,
        {},
        [],
        [[0.5, 0.5]],
        [[0.5, 0.5]] * 3,
        [[0.5, 0.5], 0.5],
        [[0.5, 0.5], [0.5]],
        [[0.5, 0.5], [0.2, 0.3, 0.5]],
        [[0.5, 0.5], ["0.5", "0.5"]],
        [[0.5, 0.5], [True, False]],
        [[0.5, 0.5], [None, 1.0]],
        [[0.5, 0.5], [1.5, -0.5]],
        [[0.5, 0.5], [1e-9, 1e-8]],
        [[0.5, 0.5], [float("nan"), 0.5]],
        [[0.5, 0.5], [float("inf"), float("-inf")]],
        [[0.5, 0.5], [1e999, 0.5]],
    ],
    ids=str,
)
async def test_what_is_no_softmax_of_each_item_is_a_protocol_error(scores: object) -> None:
    """A wrong count, a value that is no finite number, probabilities over the whole vocabulary: never a score."""
    with pytest.raises(BackendProtocolError):
        await score({"scores": scores})
