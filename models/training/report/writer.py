"""Summaries by the local engine, as served: sequences join the batch when one is finished, and nothing is padded."""

import time
from collections.abc import Sequence

import torch

from models.bundle import Bundle
from models.engine.checkpoint import open_bundle
from models.engine.config import Limits
from models.engine.generate_lane import GenerateLane
from models.engine.jobs import GenerateJob, StopConditions
from models.engine.sampling import Sampling
from models.engine.telemetry import Telemetry
from models.engine.weights import load_model

__all__ = ["write_greedily"]

_CACHE_TOKENS = 65_536
"""Bounds memory: 1.5 GB in bfloat16 at 135 million parameters."""


def write_greedily(
    bundle: Bundle, prompts: Sequence[Sequence[int]], stop_id: int, most_tokens: int, dtype: torch.dtype
) -> list[list[int]]:
    """Greedy completions, without prompt; the id that stops is kept where the model wrote it.

    Args:
        bundle: A summarizer's.
        prompts: Token ids, at least one each.
        stop_id: Ends a completion.
        most_tokens: Longest completion.
        dtype: What the engine computes in.
    """
    if not prompts:
        return []
    model = load_model(open_bundle(bundle.path), device=torch.device("cpu"), dtype=dtype)
    lane = GenerateLane(
        model,
        limits=Limits(),
        kv_cache_tokens=_CACHE_TOKENS,
        decode=None,
        clock=time.monotonic,
        telemetry=Telemetry(time.monotonic),
    )
    order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))  # rows of like lengths share the cache best
    job = GenerateJob(
        prompts=[list(prompts[at]) for at in order],
        max_tokens=most_tokens,
        sampling=Sampling(),
        stop=StopConditions(frozenset({stop_id})),
        num_tokens=0,
        submitted_at=0.0,
        deadline=None,
    )
    lane.submit(job)
    while lane.has_work:
        lane.step()
    written = dict(zip(order, job.done.result(timeout=0), strict=True))
    return [written[at].token_ids for at in range(len(prompts))]
