"""The client of ``/v1/completions`` reads what the protocol says and refuses the rest."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from models.clients.completions import CompletionsClient
from models.clients.ports import Completion
from models.clients.transport import EngineTransport, TransportConfig
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError
from tests.doubles.http_server import Request, answer, http_server

VLLM_ANSWER = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1_790_000_000,
    "model": "summarizer-tiny",
    "choices": [
        {"index": 0, "text": "night shift; Berlin", "logprobs": None, "finish_reason": "stop", "stop_reason": 1}
    ],
    "usage": {"prompt_tokens": 3, "total_tokens": 8, "completion_tokens": 5, "prompt_tokens_details": None},
    "kv_transfer_params": None,
}


def changed(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """VLLM's answer with one value replaced."""

    def put(node: Any, rest: tuple[str | int, ...]) -> Any:
        if not rest:
            return value
        copy = list(node) if isinstance(node, list) else dict(node)
        copy[rest[0]] = put(copy[rest[0]], rest[1:])
        return copy

    result: dict[str, Any] = put(VLLM_ANSWER, path)
    return result


async def complete(
    body: object, *, model: str | None = None, stop: Sequence[str] = (), seen: list[bytes] | None = None
) -> Completion:
    """Ask an engine that answers with this body."""

    async def respond(request: Request) -> bytes:
        if seen is not None:
            seen.append(json.dumps(request.body, separators=(",", ":")).encode())
        return answer(body, x_precis_revision="r1")

    async with http_server(respond) as server:
        transport = EngineTransport(TransportConfig(base_url=server.base_url), backend="summarizer")
        client = CompletionsClient(transport, model=model)
        try:
            return await client.complete(
                [5, 7, 6], max_tokens=96, stop_token_ids=[1], stop=stop, deadline=Deadline.after(20)
            )
        finally:
            await client.close()


async def test_an_answer_of_vllm_is_read() -> None:
    """Fields that are not needed do no harm."""
    assert await complete(VLLM_ANSWER) == Completion("night shift; Berlin", 3, 5, is_complete=True, revision="r1")


async def test_an_answer_that_ran_into_the_limit_is_incomplete() -> None:
    """``length`` is not ``stop``."""
    assert not (await complete(changed(("choices", 0, "finish_reason"), "length"))).is_complete


async def test_the_request_is_greedy_and_by_token_ids() -> None:
    """Only fields that all three engines know; the model's name where one is set."""
    seen: list[bytes] = []
    await complete(VLLM_ANSWER, model="summarizer-tiny", seen=seen)
    assert seen == [
        b'{"model":"summarizer-tiny","prompt":[5,7,6],"max_tokens":96,"temperature":0,"stop_token_ids":[1]}'
    ]


async def test_texts_that_end_the_answer_are_sent_where_there_are_some() -> None:
    """As OpenAI names them; left out otherwise, as above."""
    seen: list[bytes] = []
    await complete(VLLM_ANSWER, stop=["\n"], seen=seen)
    assert json.loads(seen[0])["stop"] == ["\n"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        changed(("choices",), []),
        changed(("choices",), VLLM_ANSWER["choices"] * 2),  # type: ignore[operator]
        changed(("choices", 0, "text"), None),
        changed(("choices", 0, "finish_reason"), "abort"),
        changed(("usage",), None),
        changed(("usage", "completion_tokens"), -1),
    ],
    ids=["empty", "no-choice", "two-choices", "no-text", "aborted", "no-usage", "negative"],
)
async def test_an_answer_in_another_form_is_a_protocol_error(body: object) -> None:
    """Version skew is said, never guessed at; the message does not repeat the posting's text."""
    with pytest.raises(BackendProtocolError, match="agreed form") as caught:
        await complete(body)
    assert "night shift" not in str(caught.value)


async def test_a_prompt_that_the_engine_cut_is_a_protocol_error() -> None:
    """An engine that read fewer tokens than were sent summarised something else."""
    with pytest.raises(BackendProtocolError, match="read 2 prompt tokens of 3"):
        await complete(changed(("usage", "prompt_tokens"), 2))
