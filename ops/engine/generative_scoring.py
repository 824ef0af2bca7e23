"""Client of vLLM's ``/generative_scoring``, for comparison: the ranker on the engine that is the summarizer's.

Only the first label's share comes back. A prompt over the context is cut silently there, so lengths are checked here.
"""

from collections.abc import Sequence

from models.clients.ports import Scores
from models.clients.transport import EngineTransport
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, PromptTooLong

__all__ = ["GenerativeScoringClient"]

_PATH = "/generative_scoring"


class GenerativeScoringClient:
    """Implements ``RankerEngine``."""

    def __init__(self, transport: EngineTransport, *, context_tokens: int) -> None:
        """Talk through the transport, which this client closes.

        Args:
            transport: To the engine.
            context_tokens: Longest prompt, its one answer token included.
        """
        self._transport = transport
        self._context_tokens = context_tokens

    async def score(
        self,
        query_ids: Sequence[int],
        items: Sequence[Sequence[int]],
        *,
        label_token_ids: Sequence[int],
        deadline: Deadline,
    ) -> Scores:
        """See ``RankerEngine.score``."""
        longest = len(query_ids) + max(map(len, items), default=0) + 1
        if longest > self._context_tokens:
            raise PromptTooLong(f"query and item take {longest} tokens, the engine serves {self._context_tokens}")
        payload = {
            "query": list(query_ids),
            "items": [list(item) for item in items],
            "label_token_ids": list(label_token_ids),
            "apply_softmax": True,
            "item_first": False,
        }
        answer = await self._transport.post(_PATH, payload, deadline=deadline)
        rows = answer.body.get("data")
        shares = {row.get("index"): row.get("score") for row in rows} if isinstance(rows, list) else {}
        values = [shares.get(index) for index in range(len(items))]
        if len(shares) != len(items) or not all(isinstance(value, float) and 0 <= value <= 1 for value in values):
            message = f"`data` is {rows!r:.120}, not one score in [0, 1] for each of {len(items)} items"
            raise BackendProtocolError(message, backend="ranker", operation=_PATH)
        return Scores(tuple(float(value) for value in values if value is not None), answer.revision)

    async def revision(self) -> str:
        """See ``RankerEngine.revision``."""
        return await self._transport.revision()

    async def close(self) -> None:
        """See ``RankerEngine.close``."""
        await self._transport.close()
