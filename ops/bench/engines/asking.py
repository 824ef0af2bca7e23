"""Asking one engine after the other, through the services' own client."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from ops.bench.engines.plan import Contender, Request
from ops.bench.engines.result import Answer
from schemas.deadline import Deadline

__all__ = ["ask_in_turn"]

_BUDGET_S = 300


def ask_in_turn(
    urls: Mapping[Contender, str], order: Sequence[Contender], request: Request, labels: Sequence[int]
) -> dict[Contender, Answer]:
    """Ask each engine the same, never two at a time.

    Args:
        urls: Of the engines.
        order: In which they are asked.
        request: What.
        labels: Token ids of `` yes`` and `` no``.

    Raises:
        PrecisError: One did not answer.
    """
    return {who: asyncio.run(_ask(urls[who], request, labels)) for who in order}


async def _ask(url: str, request: Request, labels: Sequence[int]) -> Answer:
    client = ScoringClient(EngineTransport(TransportConfig(base_url=url, max_tries=1), backend="ranker"))
    deadline = Deadline.after(_BUDGET_S)
    try:
        await client.revision()  # connects, as a service has long done
        began = time.perf_counter()
        scores = await client.score(request.query, request.items, label_token_ids=labels, deadline=deadline)
        return Answer(time.perf_counter() - began, scores.values)
    finally:
        await client.close()
