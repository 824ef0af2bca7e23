"""How scores are asked of each kind of server and read from its answers. Pure.

SGLang and the local engine take ``/v1/score`` and give the softmax over the labels; vLLM takes ``/generative_scoring``
and gives the first label's share alone. Token ids go both ways: of texts SGLang joins query and item before it
tokenises, vLLM tokenises them apart, and the scores differ by up to a third of the range.

SGLang started with ``--enable-mis`` is asked and answers in the same form: one sequence stands for the request, and its
``usage`` counts the query once and a delimiter before, between and after the items (``EngineFacts.tokens_read``).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.clients.kinds import EngineKind
from schemas.errors import BackendProtocolError

__all__ = ["ScoreWire", "check_read", "wire_of"]

# A softmax in float32 or bfloat16 sums to 1 only so far; probabilities over the whole vocabulary are nowhere near it.
_SUM_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class ScoreWire:
    """One protocol.

    Attributes:
        path: Of its route.
        read: From an answer, the number of items and that of labels to the scores, in the order of the items; raises
            ``BackendProtocolError``.
    """

    path: str
    read: Callable[[Mapping[str, Any], int, int], tuple[float, ...]]


def wire_of(kind: EngineKind) -> ScoreWire:
    """The protocol that a kind of server speaks."""
    return _GENERATIVE if kind is EngineKind.VLLM else _SCORE


def check_read(body: Mapping[str, Any], num_sent: int, path: str) -> None:
    """Hold the answer's ``usage`` against what was sent, where it has one.

    Args:
        body: The answer.
        num_sent: What ``usage`` must say, see ``EngineFacts.tokens_read``.
        path: Of the route.

    Raises:
        BackendProtocolError: The engine read other prompts: cut in silence, or with tokens of its own.
    """
    match body:
        case {"usage": {"prompt_tokens": int(num_read)}} if num_read > 0:
            if num_read != num_sent:
                message = (
                    f"the engine read {num_read} prompt tokens of {num_sent} that were sent: it cuts long prompts in "
                    "silence, adds tokens of its own (a chat template, a start token), or was restarted with or "
                    "without packing items"
                )
                raise BackendProtocolError(message, backend="ranker", operation=path)


def _read_softmax(body: Mapping[str, Any], num_items: int, num_labels: int) -> tuple[float, ...]:
    rows = _rows(body, "scores", num_items, _SCORE.path)
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
        raise BackendProtocolError(message, backend="ranker", operation=_SCORE.path)
    return min(1.0, float(values[0]))


def _read_generative(body: Mapping[str, Any], num_items: int, _: int) -> tuple[float, ...]:
    scores: dict[int, float] = {}
    for entry in _rows(body, "data", num_items, _GENERATIVE.path):
        match entry:
            case {"index": int(index), "score": float() | 0 | 1 as score} if 0 <= score <= 1:
                scores[index] = float(score)
            case _:
                message = f"`data` holds {entry!r:.120}, which is no score with an index"
                raise BackendProtocolError(message, backend="ranker", operation=_GENERATIVE.path)
    if scores.keys() != set(range(num_items)):
        message = f"`data` holds scores of {sorted(scores)[:10]} for items 0 to {num_items - 1}"
        raise BackendProtocolError(message, backend="ranker", operation=_GENERATIVE.path)
    return tuple(scores[index] for index in range(num_items))


def _rows(body: Mapping[str, Any], field: str, num_items: int, path: str) -> list[Any]:
    rows = body.get(field)
    if not isinstance(rows, list) or len(rows) != num_items:
        found = f"{len(rows)} rows" if isinstance(rows, list) else f"{type(rows).__name__}"
        raise BackendProtocolError(f"`{field}` holds {found} for {num_items} items", backend="ranker", operation=path)
    return rows


_SCORE = ScoreWire("/v1/score", _read_softmax)
_GENERATIVE = ScoreWire("/generative_scoring", _read_generative)
