"""Decoding on the GPU: compiled, as graphs, against the CPU in float32."""

import random
from collections.abc import Callable

import pytest
import torch

from models.engine.attention import attend, attend_plain
from models.engine.backend import Backend, plain_backend
from models.engine.config import Limits
from models.engine.generate_lane import GenerateLane
from models.engine.jobs import GenerateJob, StopConditions
from models.engine.sampling import Sampling
from models.engine.telemetry import Telemetry
from tests.engine.gpu.conftest import on_cpu

pytestmark = pytest.mark.gpu

SUMMARIZER = "summarizer-tiny"


def completions(backend: Backend, prompts: list[list[int]]) -> list[list[int]]:
    """Greedy tokens, five sequences at a time: they join and leave between steps."""
    lane = GenerateLane(
        backend.model,
        limits=Limits(max_running=5, prefill_chunk_tokens=64),
        kv_cache_tokens=8192,
        decode=None,
        new_batch=backend.new_decode_batch,
        clock=lambda: 0.0,
        telemetry=Telemetry(lambda: 0.0),
    )
    jobs = [
        GenerateJob(
            prompts=[prompt],
            max_tokens=8 + 4 * (index % 5),
            sampling=Sampling(),
            stop=StopConditions(),
            num_tokens=0,
            submitted_at=0.0,
        )
        for index, prompt in enumerate(prompts)
    ]
    for job in jobs:
        lane.submit(job)
    while lane.has_work:
        lane.step()
    return [job.done.result(timeout=0)[0].token_ids for job in jobs]


def random_prompts(num_prompts: int) -> list[list[int]]:
    rng = random.Random(1)
    return [[rng.randrange(4096) for _ in range(rng.choice([1, 9, 70, 200]))] for _ in range(num_prompts)]


def test_greedy_texts_are_those_of_the_cpu(opened: Callable) -> None:
    """Claim: in float32 every token is the CPU's, with graphs and without, while sequences join and leave."""
    prompts = random_prompts(17)
    wanted = completions(plain_backend(on_cpu(SUMMARIZER)), prompts)
    backend = opened(SUMMARIZER, torch.float32)
    assert completions(backend, prompts) == wanted
    assert completions(plain_backend(backend.model), prompts) == wanted


def test_bfloat16_texts_begin_as_the_cpus(opened: Callable) -> None:
    """Claim: in bfloat16 half of the texts begin with the CPU's tokens, as services ask (docs/engines.md)."""
    prompts = random_prompts(17)
    wanted = completions(plain_backend(on_cpu(SUMMARIZER)), prompts)
    found = completions(opened(SUMMARIZER, torch.bfloat16), prompts)
    assert sum(one[:8] == other[:8] for one, other in zip(found, wanted, strict=True)) >= len(prompts) / 2


@pytest.mark.parametrize(("num_queries", "num_keys", "is_causal"), [(40, 40, True), (40, 64, True), (1, 77, False)])
def test_the_fused_kernel_agrees_with_the_plain_formula(num_queries: int, num_keys: int, is_causal: bool) -> None:
    """Claim: outputs and log-sum-exps, shared heads and a causal mask that begins at the first key included."""
    generator = torch.Generator("cuda").manual_seed(0)
    sizes = ((1, 4, num_queries, 64), (1, 2, num_keys, 64), (1, 2, num_keys, 64))
    q, k, v = (torch.randn(size, generator=generator, device="cuda", dtype=torch.bfloat16) for size in sizes)
    out, lse = attend(q, k, v, is_causal=is_causal)
    want, want_lse = attend_plain(q.float(), k.float(), v.float(), is_causal=is_causal)
    assert (out.float() - want).abs().max() <= 0.02
    assert (lse - want_lse).abs().max() <= 1e-4
