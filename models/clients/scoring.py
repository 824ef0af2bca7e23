"""Client of SGLang's ``/v1/score`` with token-id query and items: SGLang and the local engine answer it alike."""

import math
from collections.abc import Mapping, Sequence

from models.clients.ports import Scores
from models.clients.transport import EngineTransport
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError

__all__ = ["ScoringClient"]

_PATH = "/v1/score"
# A softmax in float32 or bfloat16 sums to 1 only so far; probabilities over the whole vocabulary are nowhere near it.
_SUM_TOLERANCE = 0.02


class ScoringClient:
    """Implements ``RankerEngine``."""

    def __init__(self, transport: EngineTransport, *, model: str | None = None) -> None:
        """Talk through the transport, which this client closes.

        Args:
            transport: To the engine; its backend name is ``ranker``.
            model: Served name, where the server has several or insists on it; None leaves it out.
        """
        self._transport = transport
        self._model = {} if model is None else {"model": model}

    async def score(
        self,
        query_ids: Sequence[int],
        items: Sequence[Sequence[int]],
        *,
        label_token_ids: Sequence[int],
        deadline: Deadline,
    ) -> Scores:
        """See ``RankerEngine.score``."""
        payload = {
            **self._model,
            "query": list(query_ids),
            "items": [list(item) for item in items],
            "label_token_ids": list(label_token_ids),
            "apply_softmax": True,
            "item_first": False,
        }
        tokens = len(query_ids) + sum(map(len, items))
        answer = await self._transport.post(_PATH, payload, deadline=deadline, tokens=tokens, prefix=query_ids)
        return Scores(_read(answer.body, len(items), len(label_token_ids)), answer.revision)

    async def revision(self) -> str:
        """See ``RankerEngine.revision``."""
        return await self._transport.revision()

    async def close(self) -> None:
        """See ``RankerEngine.close``."""
        await self._transport.close()


def _read(body: Mapping[str, object], num_items: int, num_labels: int) -> tuple[float, ...]:
    rows = body.get("scores")
    if not isinstance(rows, list) or len(rows) != num_items:
        found = f"{len(rows)} rows" if isinstance(rows, list) else f"{type(rows).__name__}"
        message = f"`scores` holds {found} for {num_items} items"
        raise BackendProtocolError(message, backend="ranker", operation=_PATH)
    return tuple(_first_label(index, row, num_labels) for index, row in enumerate(rows))


def _first_label(index: int, row: object, num_labels: int) -> float:
    values = row if isinstance(row, list) and all(type(value) in {int, float} for value in row) else []
    # The sum of values that are not finite is not near 1 either, but for inf - inf: each is checked.
    is_distribution = (
        len(values) == num_labels
        and all(math.isfinite(value) and value >= 0 for value in values)
        and abs(sum(values) - 1) <= _SUM_TOLERANCE
    )
    if not is_distribution:
        message = f"scores[{index}] is {row!r:.120}, not a softmax over {num_labels} labels"
        raise BackendProtocolError(message, backend="ranker", operation=_PATH)
    return min(1.0, float(values[0]))
