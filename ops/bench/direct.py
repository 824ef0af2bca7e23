"""The engine without the service: the same client and prompts, as many requests in flight, nothing else."""

import asyncio
import time
from collections.abc import Sequence

from models.clients.completions import CompletionsClient
from models.clients.transport import EngineTransport, TransportConfig
from models.prompts import SummarizerPrompt
from schemas.deadline import Deadline

__all__ = ["drive_directly"]

_BUDGET_S = 60.0


def drive_directly(
    engine_url: str, prompt: SummarizerPrompt, prompts: Sequence[Sequence[int]], *, concurrency: int
) -> list[float]:
    """Complete every prompt.

    Args:
        engine_url: The engine.
        prompt: Says how long answers may be and how they end.
        prompts: Token ids of each.
        concurrency: Requests in flight.

    Returns:
        When each answer was there, seconds.

    Raises:
        PrecisError: The engine failed.
    """
    return asyncio.run(_drive(engine_url, prompt, prompts, concurrency))


async def _drive(
    engine_url: str, prompt: SummarizerPrompt, prompts: Sequence[Sequence[int]], concurrency: int
) -> list[float]:
    client = CompletionsClient(EngineTransport(TransportConfig(base_url=engine_url), backend="summarizer"))
    waiting, answered = iter(prompts), []

    async def worker() -> None:
        for ids in waiting:
            await client.complete(
                ids,
                max_tokens=prompt.max_output_tokens,
                stop_token_ids=prompt.stop_token_ids,
                deadline=Deadline.after(_BUDGET_S),
            )
            answered.append(time.monotonic())

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(concurrency):
                workers.create_task(worker())
    finally:
        await client.close()
    return answered
