"""Probes: questions without a reference that a sound ranker answers consistently.

Canaries compare with what transformers gave, an item at a time. What only shows in company, at length or with other
labels is asked here: the items of the canaries together, backwards and alone, yes and no exchanged, and prompts as long
as the bundle's limits allow that differ in their last part. Seven small requests, one at a time.
"""

from collections.abc import Sequence

from models.bundle import Bundle, RankerCanary
from models.clients.canary_findings import long_problems, pack_problems, swap_problems
from models.clients.ports import RankerEngine
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, PromptTooLong

__all__ = ["probe_ranker"]

_MAX_ITEMS = 8
_TAIL_TOKENS = 24
"""Of the long prompts' different ends: a cut that takes more than the answer mark takes part of these."""


async def probe_ranker(
    engine: RankerEngine, bundle: Bundle, *, deadline: Deadline, tolerance: float
) -> tuple[str, ...]:
    """What the engine answers inconsistently, a sentence each.

    Args:
        engine: The engine that is to be used.
        bundle: The bundle that it should have loaded.
        deadline: Budget of all calls together.
        tolerance: Largest difference of two scores that should be equal.

    Raises:
        PrecisError: As ``check_ranker``.
    """
    canaries = [canary for canary in bundle.manifest.canaries if isinstance(canary, RankerCanary)]
    if not canaries:
        return ()
    labels = bundle.manifest.label_token_ids
    query = canaries[0].query_ids
    items = list(dict.fromkeys(canary.item_ids for canary in canaries))[:_MAX_ITEMS]

    async def scores(asked: Sequence[tuple[int, ...]], labels: tuple[int, ...] = labels) -> tuple[float, ...]:
        return (await engine.score(query, asked, label_token_ids=labels, deadline=deadline)).values

    try:
        together, backwards = await scores(items), await scores(items[::-1])
        alone = {index: (await scores([items[index]]))[0] for index in {0, len(items) // 2, len(items) - 1}}
        swapped = await scores(items, labels[::-1])
    except (BackendProtocolError, PromptTooLong) as error:
        return (f"the engine cannot answer the probes: {error}",)
    return (
        *pack_problems(together, backwards, alone, tolerance),
        *swap_problems(together, swapped, tolerance),
        *await _long(engine, bundle, canaries, deadline),
    )


async def _long(
    engine: RankerEngine, bundle: Bundle, canaries: Sequence[RankerCanary], deadline: Deadline
) -> tuple[str, ...]:
    limits = bundle.manifest.limits
    mark, *words = canaries[0].query_ids
    query = (mark, *_filled(words, limits.query))
    items = _long_items(canaries, limits.header + 1 + limits.summary)
    num_tokens = len(query) + len(items[0])
    try:
        answer = await engine.score(query, items, label_token_ids=bundle.manifest.label_token_ids, deadline=deadline)
    except PromptTooLong as error:
        message = (
            f"the engine refuses prompts of {num_tokens} tokens, which the bundle's limits allow: start it with a "
            f"context of at least {num_tokens + 1} tokens ({error})"
        )
        return (message,)
    except BackendProtocolError as error:
        return (f"the engine cannot answer prompts of {num_tokens} tokens: {error}",)
    return tuple(long_problems(answer.values, num_tokens))


def _long_items(canaries: Sequence[RankerCanary], num_words: int) -> list[tuple[int, ...]]:
    """Items of the same beginning and different ends, with the marks of a real one."""
    first, *words, last = canaries[0].item_ids
    ends = {tuple(_filled(canary.item_ids[1:-1], _TAIL_TOKENS)) for canary in canaries[:_MAX_ITEMS]}
    ends.add(tuple(_filled(canaries[0].query_ids[1:], _TAIL_TOKENS)))
    beginning = _filled(words, num_words - _TAIL_TOKENS)
    return [(first, *beginning, *end, last) for end in sorted(ends)]


def _filled(ids: Sequence[int], length: int) -> list[int]:
    """As many ids, these again and again."""
    return [ids[index % len(ids)] for index in range(length)] if ids else []
