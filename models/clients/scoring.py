"""Client of a ranker: the local engine, SGLang or vLLM, found out by asking (``models.clients.kinds``).

A request is cut below the limits of one call, and its parts are sent one after the other. Where the server needs it,
the first part is one item: it leaves the query's prefix in the server's cache for all the others. Where the server
packs the items of a request into one sequence, none is sent ahead, and each part fits into a sequence.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from models.clients.kinds import UNKNOWN, EngineFacts, EngineKind, facts_of, with_packing
from models.clients.packs import split_packs
from models.clients.ports import Scores
from models.clients.score_wires import check_read, wire_of
from models.clients.transport import EngineTransport
from schemas.circuit import BreakerState
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, BackendUnavailable, PromptTooLong

__all__ = ["CallLimits", "ScoringClient"]

_NO_LIMIT = 2**31
_WORTH_PRIMING_TOKENS = 256
"""Prefix tokens that must be saved for a round trip more: a millisecond of a GPU, half a second of a CPU (0.6B)."""
_PRIMED_FOR_S = 10.0
_MAX_PRIMED = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """What one request to the server may hold; None: no limit."""

    max_items: int | None = None
    """Most items."""
    max_tokens: int | None = None
    """Most tokens, the query counted once; an item that is longer alone goes alone."""


class ScoringClient:
    """Implements ``RankerEngine``."""

    def __init__(
        self,
        transport: EngineTransport,
        *,
        model: str | None = None,
        kind: EngineKind | None = None,
        limits: CallLimits | None = None,
    ) -> None:
        """Talk through the transport, which this client closes.

        Args:
            transport: To the engine; its backend name is ``ranker``.
            model: Served name, where the server has several or insists on it; None leaves it out.
            kind: What serves; None: it is asked.
            limits: Of one request; None: as long as it comes.
        """
        self._transport = transport
        self._model = {} if model is None else {"model": model}
        self._kind = kind
        self._limits = limits or CallLimits()
        self._facts: EngineFacts | None = None
        self._primed: OrderedDict[tuple[int, ...], float] = OrderedDict()

    @property
    def address(self) -> str:
        """Of the server, or of its replicas."""
        return self._transport.address

    @property
    def breaker_states(self) -> dict[str, BreakerState]:
        """See ``EngineTransport.breaker_states``."""
        return self._transport.breaker_states

    def each(self) -> "tuple[ScoringClient, ...]":
        """A client of each replica alone; not to be closed."""
        model = self._model.get("model")
        return tuple(
            ScoringClient(transport, model=model, kind=self._kind, limits=self._limits)
            for transport in self._transport.each()
        )

    async def score(
        self,
        query_ids: Sequence[int],
        items: Sequence[Sequence[int]],
        *,
        label_token_ids: Sequence[int],
        deadline: Deadline,
    ) -> Scores:
        """See ``RankerEngine.score``."""
        if not items:  # vLLM refuses none
            return Scores((), await self._transport.revision())
        facts = self._facts or await self._find_out(deadline)
        longest = len(query_ids) + max(map(len, items))
        if facts.max_prompt_tokens is not None and longest > facts.max_prompt_tokens:
            message = f"prompt of {longest} tokens is over the {facts.max_prompt_tokens} that {self.address} reads"
            raise PromptTooLong(message)
        values = [0.0] * len(items)
        revisions = set()
        try:
            for part in self._parts(query_ids, items, facts):
                chosen = [items[index] for index in part]
                scores = await self._ask(facts, query_ids, chosen, label_token_ids, deadline)
                revisions.add(scores.revision)
                for index, value in zip(part, scores.values, strict=True):
                    values[index] = value
        except BackendProtocolError:
            self._facts = None  # perhaps another kind of server has taken the address
            raise
        if len(revisions) > 1:
            message = f"parts of one request were scored by revisions {sorted(revisions)}: the engine is being changed"
            raise BackendUnavailable(message, backend="ranker", operation="score")
        if facts.needs_priming:
            self._note_primed(tuple(query_ids))
        return Scores(tuple(values), revisions.pop())

    async def revision(self) -> str:
        """See ``RankerEngine.revision``."""
        return await self._transport.revision()

    async def close(self) -> None:
        """See ``RankerEngine.close``."""
        await self._transport.close()

    async def _ask(
        self,
        facts: EngineFacts,
        query_ids: Sequence[int],
        items: Sequence[Sequence[int]],
        label_token_ids: Sequence[int],
        deadline: Deadline,
    ) -> Scores:
        wire = wire_of(facts.kind)
        payload = {
            **self._model,
            "query": list(query_ids),
            "items": [list(item) for item in items],
            "label_token_ids": list(label_token_ids),
            "apply_softmax": True,
            "item_first": False,
        }
        tokens = len(query_ids) + sum(map(len, items))
        # Calls of a query meet at one replica for its prefix cache, which a server that packs does not have.
        prefix = query_ids if facts.pack_tokens is None else None
        answer = await self._transport.post(wire.path, payload, deadline=deadline, tokens=tokens, prefix=prefix)
        check_read(answer.body, facts.tokens_read(len(query_ids), [len(item) for item in items]), wire.path)
        return Scores(wire.read(answer.body, len(items), len(label_token_ids)), answer.revision)

    async def _find_out(self, deadline: Deadline) -> EngineFacts:
        try:
            facts = facts_of(await self._transport.get("/v1/models", deadline=deadline))
        except BackendProtocolError:  # no such route
            facts = UNKNOWN
        if self._kind is not None:
            facts = EngineFacts(self._kind, facts.context_tokens)
        if facts.kind is EngineKind.SGLANG:
            with suppress(BackendProtocolError):  # a gateway that hides the route: its calls show what is behind it
                facts = with_packing(facts, await self._transport.get("/server_info", deadline=deadline))
        self._facts = facts
        return facts

    def _parts(self, query_ids: Sequence[int], items: Sequence[Sequence[int]], facts: EngineFacts) -> list[list[int]]:
        """Indices of the items of each request, in the order of sending."""
        rest = list(range(len(items)))
        first: list[list[int]] = []
        if facts.needs_priming and self._is_worth_priming(query_ids, len(items)):
            shortest = min(rest, key=lambda index: len(items[index]))
            rest.remove(shortest)
            first = [[shortest]]
        packs = split_packs(
            [len(items[index]) + facts.num_delimiters for index in rest],
            prefix_tokens=len(query_ids) + facts.num_delimiters,
            max_tokens=min(self._limits.max_tokens or _NO_LIMIT, facts.pack_tokens or _NO_LIMIT),
            max_items=self._limits.max_items or _NO_LIMIT,
        )
        return first + [[rest[place] for place in pack] for pack in packs]

    def _is_worth_priming(self, query_ids: Sequence[int], num_items: int) -> bool:
        if (num_items - 1) * len(query_ids) < _WORTH_PRIMING_TOKENS:
            return False
        return time.monotonic() - self._primed.get(tuple(query_ids), -_PRIMED_FOR_S) >= _PRIMED_FOR_S

    def _note_primed(self, query: tuple[int, ...]) -> None:
        self._primed[query] = time.monotonic()
        self._primed.move_to_end(query)
        if len(self._primed) > _MAX_PRIMED:
            self._primed.popitem(last=False)
