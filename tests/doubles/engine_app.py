"""The two wire protocols over the engine doubles, as an ASGI application: what HTTP clients are tested against.

With ``httpx.ASGITransport(engine_app(...))`` no socket is needed.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from models.clients.ports import Sampling
from schemas.deadline import Deadline
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    DeadlineExceeded,
    Overloaded,
    PrecisError,
    PromptTooLong,
)
from tests.doubles.engines import LexicalRanker, ScriptedSummarizer

__all__ = ["engine_app"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_STATUSES: dict[type[PrecisError], tuple[int, str]] = {
    PromptTooLong: (400, "invalid_request_error"),
    Overloaded: (429, "overloaded"),
    DeadlineExceeded: (504, "deadline_exceeded"),
    BackendTimeout: (504, "gateway_timeout"),
    BackendUnavailable: (503, "not_ready"),
    BackendProtocolError: (500, "internal_error"),
}


def engine_app(engine: ScriptedSummarizer | LexicalRanker, *, with_revision_header: bool = True) -> AsgiApp:
    """An engine server.

    Args:
        engine: What computes the answers; its errors become the statuses of the protocol.
        with_revision_header: Whether answers carry ``x-precis-revision`` and ``/info`` is there, as with the local
            engine; vLLM has neither.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        try:
            answer = await _answer(engine, scope["path"], headers, await _body(receive), with_info=with_revision_header)
            status, extra = 200, {}
        except PrecisError as error:
            status, kind = _STATUSES[type(error)]
            answer = {"object": "error", "error": {"message": _words(error), "type": kind, "code": status}}
            extra = {"retry-after": str(error.retry_after_s)} if isinstance(error, Overloaded) else {}
        if with_revision_header:
            extra["x-precis-revision"] = engine.model_revision
        start = {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in extra.items()],
        }
        await send(start)
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    return app


def _sampling(body: Mapping[str, Any]) -> Sampling | None:
    if body["temperature"] == 0:
        assert not {"top_p", "seed"} & body.keys()
        return None
    return Sampling(temperature=body["temperature"], top_p=body["top_p"], seed=body["seed"])


async def _body(receive: Receive) -> Mapping[str, Any]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return json.loads(body) if body else {}


def _words(error: PrecisError) -> str:
    # The words that the local engine uses, by which a client knows a prompt's length from other bad requests.
    return f"prompt: {error}; over the context" if isinstance(error, PromptTooLong) else str(error)


async def _answer(
    engine: ScriptedSummarizer | LexicalRanker,
    path: str,
    headers: Mapping[str, str],
    body: Mapping[str, Any],
    *,
    with_info: bool,
) -> dict[str, Any]:
    if path == "/info" and with_info:
        return {"revision": engine.model_revision}
    if path == "/v1/models":
        return {"object": "list", "data": [{"id": engine.model_revision, "object": "model"}]}
    deadline = Deadline.after(int(headers["x-request-deadline-ms"]) / 1000)
    if path == "/v1/score" and isinstance(engine, LexicalRanker):
        assert body["apply_softmax"] is True
        assert body["item_first"] is False
        labels = body["label_token_ids"]
        scores = await engine.score(body["query"], body["items"], label_token_ids=labels, deadline=deadline)
        return {"object": "scoring", "scores": [[value, 1 - value] for value in scores.values]}
    if path == "/v1/completions" and isinstance(engine, ScriptedSummarizer):
        completion = await engine.complete(
            body["prompt"],
            max_tokens=body["max_tokens"],
            stop_token_ids=body["stop_token_ids"],
            stop=body.get("stop", ()),
            deadline=deadline,
            sampling=_sampling(body),
        )
        choice = {
            "index": 0,
            "text": completion.text,
            "finish_reason": "stop" if completion.is_complete else "length",
        }
        usage = {
            "prompt_tokens": completion.num_prompt_tokens,
            "completion_tokens": completion.num_output_tokens,
            "total_tokens": completion.num_prompt_tokens + completion.num_output_tokens,
        }
        return {"object": "text_completion", "choices": [choice], "usage": usage}
    raise BackendProtocolError(f"no route {path}", backend="double", operation=path)
