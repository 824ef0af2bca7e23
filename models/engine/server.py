"""The HTTP face of an engine: routes, status codes, headers. No tensors."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request  # Request is read at run time by FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from models.engine.answers import count_prompt_tokens
from models.engine.errors import ClientGone, InternalFault, InvalidRequest, RequestError
from models.engine.http_input import parse, read_arrival, read_body
from models.engine.intake import check_count, generate_job, refuse_unknown_fields, score_job
from models.engine.protocol import (
    CompletionRequest,
    CompletionResponse,
    ErrorDetail,
    ErrorResponse,
    RerankRequest,
    RerankResponse,
    ScoreRequest,
    ScoreResponse,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pydantic import BaseModel

    from models.engine.intake import Arrival
    from models.engine.jobs import Job
    from models.engine.service import Engine

REVISION_HEADER = "x-precis-revision"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A computed answer and the facts that are logged and measured about it."""

    content: str
    """The body, JSON."""
    job: Job
    num_items: int
    num_generated: int = 0


class _Routes:
    """The computing routes over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def score(self, request: Request) -> Response:
        """Label probabilities after ``query + item`` for each item. SGLang's protocol."""
        return await self._handle("score", request, self._score)

    async def completions(self, request: Request) -> Response:
        """Continue one prompt or several. OpenAI's protocol."""
        return await self._handle("completions", request, self._complete)

    async def rerank(self, request: Request) -> Response:
        """Documents by relevance to a query, as text. The shape of Cohere, Jina and vLLM."""
        return await self._handle("rerank", request, self._rerank)

    async def _score(self, body: bytes, arrival: Arrival) -> _Answer:
        loaded = self._engine.loaded()
        wire = parse(ScoreRequest, body)
        job = score_job(wire, loaded.intake, arrival)
        result = await self._engine.run(job, job.done)
        return _Answer(loaded.answerer.score(wire, result).model_dump_json(), job, num_items=len(wire.items))

    async def _rerank(self, body: bytes, arrival: Arrival) -> _Answer:
        loaded = self._engine.loaded()
        if loaded.reranker is None:
            raise InvalidRequest("this bundle has no ranker's precis.json and tokenizer: send token ids to /v1/score")
        wire = parse(RerankRequest, body)
        refuse_unknown_fields(wire)
        check_count("documents", len(wire.documents), loaded.intake)
        scoring = await asyncio.to_thread(loaded.reranker.score_request, wire)  # the tokenizer may need a while
        job = score_job(scoring, loaded.intake, arrival)
        result = await self._engine.run(job, job.done)
        answer = loaded.reranker.answer(
            wire,
            result,
            num_tokens=count_prompt_tokens(scoring),
            model=loaded.answerer.model,
            revision=loaded.answerer.revision,
            request_id=uuid.uuid4().hex,
        )
        return _Answer(answer.model_dump_json(exclude_none=True), job, num_items=len(wire.documents))

    async def _complete(self, body: bytes, arrival: Arrival) -> _Answer:
        loaded = self._engine.loaded()
        wire = parse(CompletionRequest, body)
        job = generate_job(wire, loaded.intake, arrival)
        results = await self._engine.run(job, job.done)
        answer = loaded.answerer.completions(wire, job, results, request_id=uuid.uuid4().hex, now=int(time.time()))
        num_generated = answer.usage.completion_tokens
        return _Answer(answer.model_dump_json(), job, num_items=len(job.prompts), num_generated=num_generated)

    async def _handle(
        self, route: str, request: Request, act: Callable[[bytes, Arrival], Awaitable[_Answer]]
    ) -> Response:
        """Read, compute, answer; every outcome becomes one status, one log line and one count."""
        engine, started = self._engine, time.monotonic()
        try:
            engine.loaded()
            arrival = read_arrival(request, started)
            body = await read_body(request, engine.config.limits.max_body_bytes)
            answer = await _unless_gone(request, act(body, arrival))
        except RequestError as error:
            return self._refuse(route, error)
        except Exception:  # noqa: BLE001 - every request is answered and counted, also when we have a bug
            _log.exception("engine.request_failed route=%s", route)
            return self._refuse(route, InternalFault("the request failed; the engine's log says why"))
        return self._answer(route, answer)

    def _answer(self, route: str, answer: _Answer) -> Response:
        telemetry, job, ended = self._engine.telemetry, answer.job, time.monotonic()
        computing_since = job.submitted_at if job.started_at is None else job.started_at
        queue_s, compute_s = computing_since - job.submitted_at, ended - computing_since
        telemetry.requests.labels(route, "200").inc()
        telemetry.items.labels(route).inc(answer.num_items)
        telemetry.tokens.labels("generated").inc(answer.num_generated)
        telemetry.stage_seconds.labels(route, "queue").observe(queue_s)
        telemetry.stage_seconds.labels(route, "compute").observe(compute_s)
        _log.info(
            "engine.request route=%s status=200 items=%d tokens=%d queue_ms=%.1f compute_ms=%.1f",
            *(route, answer.num_items, job.num_tokens, queue_s * 1e3, compute_s * 1e3),
        )
        headers = {
            REVISION_HEADER: self._engine.loaded_revision(),
            "server-timing": f"queue;dur={queue_s * 1e3:.2f}, compute;dur={compute_s * 1e3:.2f}",
        }
        return Response(answer.content, media_type="application/json", headers=headers)

    def _refuse(self, route: str, error: RequestError) -> Response:
        telemetry = self._engine.telemetry
        telemetry.requests.labels(route, str(error.status)).inc()
        if isinstance(error, ClientGone):
            telemetry.clients_gone.inc()
        _log.info("engine.request route=%s status=%d error=%s", route, error.status, error.kind)
        detail = ErrorDetail(message=str(error), type=error.kind, code=error.status)
        headers = {} if error.retry_after_s is None else {"retry-after": str(error.retry_after_s)}
        if revision := self._engine.loaded_revision():
            headers[REVISION_HEADER] = revision
        return JSONResponse(ErrorResponse(error=detail).model_dump(), status_code=error.status, headers=headers)


async def _unless_gone(request: Request, work: Awaitable[_Answer]) -> _Answer:
    """Await the work, but give it up as soon as the client closes the connection.

    Raises:
        ClientGone: Nobody is there to read the answer; the work was cancelled.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone("the client closed the connection")
        return working.result()
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.wait({working, watching})  # its tokens are given back before anybody is told


async def _disconnected(request: Request) -> None:
    """Return when the client has closed the connection. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Facts:
    """The routes that only tell something about the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def health(self) -> Response:
        """200 once loaded and warm, 503 before, after a failure and while stopping."""
        return JSONResponse({"status": self._engine.state}, status_code=200 if self._engine.is_ready else 503)

    async def models(self) -> Response:
        """The one model served, as OpenAI lists models."""
        info = self._engine.info()
        entry = {
            "id": info["model"],
            "object": "model",
            "created": 0,
            "owned_by": "precis",
            "max_model_len": info["context_tokens"],
        }
        return JSONResponse({"object": "list", "data": [entry]})

    async def info(self) -> Response:
        """What runs here: bundle, role, revision, type, device, limits."""
        return JSONResponse(self._engine.info())

    async def metrics(self) -> Response:
        """Prometheus' text format."""
        return Response(self._engine.telemetry.render(), media_type=CONTENT_TYPE_LATEST)


def create_app(engine: Engine) -> FastAPI:
    """The application over one engine; its lifespan starts and stops the engine."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        engine.start()
        try:
            yield
        finally:
            await asyncio.to_thread(engine.stop)

    app = FastAPI(title="Précis local engine", lifespan=lifespan)
    routes, facts = _Routes(engine), _Facts(engine)
    errors = {status: {"model": ErrorResponse} for status in (400, 413, 422, 429, 500, 503, 504)}
    for path, handler, taken, given in (
        ("/v1/score", routes.score, ScoreRequest, ScoreResponse),
        ("/v1/completions", routes.completions, CompletionRequest, CompletionResponse),
        *((path, routes.rerank, RerankRequest, RerankResponse) for path in ("/v1/rerank", "/v2/rerank", "/rerank")),
    ):
        app.add_api_route(
            path,
            handler,
            methods=["POST"],
            responses={200: {"model": given}, **errors},
            openapi_extra=_documented_body(taken),
        )
    for path, handler in (
        ("/health", facts.health),
        ("/v1/models", facts.models),
        ("/info", facts.info),
        ("/metrics", facts.metrics),
    ):
        app.add_api_route(path, handler, methods=["GET"])
    return app


def _documented_body(kind: type[BaseModel]) -> dict[str, Any]:
    """The request body for /docs: the handlers parse bytes themselves, so FastAPI cannot see it."""
    return {"requestBody": {"content": {"application/json": {"schema": kind.model_json_schema()}}, "required": True}}
