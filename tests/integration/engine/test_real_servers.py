"""The clients' contract on real vLLM and SGLang: what the doubles promise, the servers keep.

Both serve the shipped ranker, which also completes: what it says is of no interest here, how it is said is.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from models.bundle import Bundle, RankerCanary
from models.clients.canaries import DEFAULT_TOLERANCE
from models.clients.completions import CompletionsClient
from models.clients.examination import examine_ranker
from models.clients.kinds import EngineFacts, EngineKind, with_packing
from models.clients.ports import Completion, Sampling
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from ops.engine.launch import EngineName
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, DeadlineExceeded, PromptTooLong
from tests.integration.engine.servers import CONTEXT_TOKENS, served
from tests.integration.stream.kafka import eventually

_OVER_VOCABULARY = 1_000_000
_NUM_CALLS = 4
_TRIES = 8
_KEPT_TOKENS = 7  # of the context: SGLang keeps so many for itself, vLLM one
_RUNNING = {EngineName.VLLM: "vllm:num_requests_running", EngineName.SGLANG: "sglang:num_running_reqs"}
_WRITTEN = {EngineName.VLLM: "vllm:generation_tokens_total", EngineName.SGLANG: "sglang:generation_tokens_total"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server and clients of it."""

    name: EngineName
    url: str
    bundle: Bundle
    ranker: ScoringClient
    summarizer: CompletionsClient

    @property
    def canary(self) -> RankerCanary:
        """Ids that the model knows."""
        canary = self.bundle.manifest.canaries[0]
        assert isinstance(canary, RankerCanary)
        return canary

    async def score(self, *items: tuple[int, ...], labels: tuple[int, ...] | None = None) -> tuple[float, ...]:
        """After the canary's query."""
        answer = await self.ranker.score(
            self.canary.query_ids,
            items,
            label_token_ids=labels or self.bundle.manifest.label_token_ids,
            deadline=Deadline.after(60),
        )
        assert answer.revision == self.bundle.revision
        return answer.values

    async def complete(
        self,
        ids: tuple[int, ...],
        *,
        max_tokens: int = 8,
        stop: tuple[str, ...] = (),
        budget_s: float = 60,
        sampling: Sampling | None = None,
    ) -> Completion:
        """Without a stop token: the model's own end of text ends it."""
        return await self.summarizer.complete(
            ids,
            max_tokens=max_tokens,
            stop_token_ids=(),
            stop=stop,
            deadline=Deadline.after(budget_s),
            sampling=sampling,
        )

    def metric(self, name: str) -> float:
        """Sum of a metric's samples; 0 where it is not there yet."""
        text = httpx.get(f"{self.url}/metrics", timeout=20, follow_redirects=True, trust_env=False).text
        return sum(float(value) for value in re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(EngineName.VLLM, marks=pytest.mark.vllm),
        pytest.param(EngineName.SGLANG, marks=pytest.mark.sglang),
    ],
)
def running(
    request: pytest.FixtureRequest, ranker_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[EngineName, str]]:
    """Name and address of one started engine."""
    with served(request.param, ranker_bundle, tmp_path_factory.mktemp("engine") / "engine.log") as url:
        yield request.param, url


@pytest_asyncio.fixture
async def server(running: tuple[EngineName, str], ranker_bundle: Bundle) -> AsyncIterator[Server]:
    """With clients of this test's own; one try a call."""
    name, url = running
    config = TransportConfig(base_url=url, max_tries=1)
    ranker = ScoringClient(EngineTransport(config, backend="ranker"))
    summarizer = CompletionsClient(EngineTransport(config, backend="summarizer"))
    yield Server(name, url, ranker_bundle, ranker, summarizer)
    await ranker.close()
    await summarizer.close()


async def test_scores_are_the_references_in_any_company(server: Server) -> None:
    """Canaries and probes, as the scorer asks them before it is ready."""
    deadline = Deadline.after(60)
    report = await examine_ranker(server.ranker, server.bundle, deadline=deadline, tolerance=DEFAULT_TOLERANCE)
    assert report.problems == ()
    assert report.engine_revision == server.bundle.revision
    assert await server.score() == ()


async def test_sglang_says_whether_it_packs_and_how_long_a_sequence_may_be(server: Server) -> None:
    """In the form that the client reads. This one does not pack; vLLM has no such route, and is not asked for it."""
    if server.name is EngineName.SGLANG:
        transport = EngineTransport(TransportConfig(base_url=server.url), backend="ranker")
        info = await transport.get("/server_info", deadline=Deadline.after(60))
        await transport.close()
        assert info["enable_mis"] is False
        assert info["max_req_input_len"] - 1 == CONTEXT_TOKENS - _KEPT_TOKENS
        sglang = EngineFacts(EngineKind.SGLANG, CONTEXT_TOKENS)
        assert with_packing(sglang, info) == sglang
        assert with_packing(sglang, {**info, "enable_mis": True}).pack_tokens == CONTEXT_TOKENS - _KEPT_TOKENS


async def test_a_completion_is_greedy_and_counted(server: Server) -> None:
    """Lengths, end and revision; the same prompt gets the same answer, alone and in company."""
    ids = server.canary.item_ids
    alone = await server.complete(ids)
    assert (alone.num_prompt_tokens, alone.revision) == (len(ids), server.bundle.revision)
    assert 1 <= alone.num_output_tokens <= 8
    together = await asyncio.gather(*(server.complete(ids) for _ in range(_NUM_CALLS)))
    assert set(together) == {alone}
    cut = await server.complete(ids, max_tokens=1)
    assert (cut.num_output_tokens, cut.is_complete) == (1, False)
    end = alone.text[len(alone.text) // 2 :][:1]  # a character of it
    stopped = await server.complete(ids, stop=(end,))
    assert (stopped.text, stopped.is_complete) == (alone.text[: alone.text.index(end)], True)


async def test_a_prompt_of_the_context_is_read_and_a_longer_one_refused(server: Server) -> None:
    """With the error that leads to another treatment of the prompt, not to a retry."""
    query, item = server.canary.query_ids, server.canary.item_ids
    fits = (item * CONTEXT_TOKENS)[: CONTEXT_TOKENS - len(query) - _KEPT_TOKENS]
    assert len(await server.score(fits)) == 1
    for excess in (_KEPT_TOKENS, len(item)):
        with pytest.raises(PromptTooLong):
            await server.score(item, (*fits, *item[:excess]))
    with pytest.raises(PromptTooLong):
        await server.complete((item * CONTEXT_TOKENS)[: CONTEXT_TOKENS + 1], max_tokens=1)
    assert len(await server.score(item)) == 1


async def test_a_token_that_is_none_is_refused_and_the_engine_lives_on(server: Server) -> None:
    """As a label, and in a prompt by vLLM; in a prompt it ends SGLang 0.5.23 (docs/engines.md), which is not shown."""
    item = server.canary.item_ids
    with pytest.raises(BackendProtocolError, match="vocabulary"):
        await server.score(item, labels=(_OVER_VOCABULARY, 1))
    if server.name is EngineName.VLLM:
        with pytest.raises(BackendProtocolError, match="vocabulary"):
            await server.score((*item, _OVER_VOCABULARY))
        with pytest.raises(BackendProtocolError, match="vocabulary"):
            await server.complete((*item, _OVER_VOCABULARY))
    assert len(await server.score(item)) == 1


async def test_calls_that_nobody_waits_for_end_at_the_engine(server: Server) -> None:
    """Long answers, not written when their caller leaves: by cancellation, and by the deadline of the call."""
    ids, long = server.canary.item_ids, CONTEXT_TOKENS - len(server.canary.item_ids) - 1 - _KEPT_TOKENS

    async def is_idle() -> bool:
        return await asyncio.to_thread(server.metric, _RUNNING[server.name]) == 0

    for seed in range(_TRIES):  # on a busy machine an answer may be faster than the cancellation
        sampling = Sampling(temperature=2.0, top_p=1.0, seed=seed)  # next to random: the end of text comes late
        before = server.metric(_WRITTEN[server.name])
        call = asyncio.create_task(server.complete(ids, max_tokens=long, sampling=sampling))

        async def is_running(call: asyncio.Task[object] = call) -> bool:
            return call.done() or await asyncio.to_thread(server.metric, _RUNNING[server.name]) >= 1

        await eventually(is_running, "the engine works on the call")
        call.cancel()
        await asyncio.wait({call})
        if call.cancelled():
            break
    else:
        pytest.fail(f"{_TRIES} answers came before their calls could be cancelled")
    await eventually(is_idle, "the engine has dropped the call")
    with pytest.raises(DeadlineExceeded):
        await server.complete(ids, max_tokens=long, budget_s=0.2, sampling=sampling)
    await eventually(is_idle, "the engine has dropped the late call")
    assert server.metric(_WRITTEN[server.name]) - before < long, "two answers would be twice as long"
