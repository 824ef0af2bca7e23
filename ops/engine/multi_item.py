"""Whether SGLang packs the items of a request into one sequence (multi-item scoring, ``--enable-mis``). Pure.

Two ways to score n items of I tokens after a query of Q:

- *apart*: one sequence an item. The client sends one item ahead, which leaves the query's prefix in the radix cache;
  the others compute their own rows. Two passes: Q + I rows, then (n - 1) I rows, and the host's work for n sequences.
- *packed*: query, delimiter, item, delimiter, item, ..., delimiter in one sequence, in which no item sees another. No
  radix cache, so each sequence computes the query again: Q + k (I + 1) + 1 rows for its k items, one pass each.

    apart  = pass(Q + I) + pass((n - 1) I) + n HOST
    packed = sum over the sequences of pass(Q + k (I + 1) + 1) + HOST
    pass(rows) = the longer of 2 rows weights / FLOPS and 2 weights / BANDWIDTH        (seconds; weights of 2 bytes)

In rows alone the two are close: packing saves the priming pass, a whole read of the weights where Q + I is short, and
adds a delimiter an item and the query again for each further sequence. What it saves besides is the host's work. So
small models pack short items after any query, and long queries beside which few items fit into a sequence are not
packed; the larger the model, the less the host's work counts. The constants were not measured by this project, which
had no GPU with FlashInfer: they are an H100's, rounded down, and SGLang's own figures. So packing must win by a margin
to be chosen; ``--multi-item`` and ``--no-multi-item`` decide by hand.
"""

from dataclasses import dataclass

from models.bundle import PromptLimits, Role
from ops.engine.launch import Device, Dtype, Task
from schemas.errors import ConfigurationError

__all__ = [
    "CALL_ITEMS",
    "CALL_TOKENS",
    "DELIMITER_ID",
    "Call",
    "is_clearly_cheaper",
    "packs_items",
    "seconds_apart",
    "seconds_packed",
    "sequence_tokens",
]

CALL_TOKENS = 8_192
"""Largest request of the scorer, query and items (the setting ``scorer.pack_tokens``)."""
CALL_ITEMS = 64
"""Most items of one (``ScorerConfig.pack_items``)."""
DELIMITER_ID = 9_999
"""Token between items (``MIS_DELIMITER_TOKEN_ID`` in SGLang's ``constants.py``). It must have an embedding, no more."""

_FLOPS = 400e12
"""Of an H100's 989 TFLOP/s in bfloat16."""
_BYTES_PER_S = 2.5e12
"""Of its 3.35 TB/s."""
_HOST_S = 50e-6
"""The host's work for one sequence: tokenizer manager, scheduler and detokenizer are Python. SGLang's pull request 9748
reports 1000 items/s of 300 tokens, 0.6B, on an H100: 1 ms each, 0.3 ms more than their rows take here. A sixth of it
counts: most of it is done while the GPU computes."""
_CLEARLY = 0.95
"""Share of the time apart that packing may take to be chosen: nearer than that the model says nothing, and a query that
was asked a moment ago is in the cache."""
_SLACK_TOKENS = 64  # of the delimiters after and before the items, and those seven that SGLang keeps


@dataclass(frozen=True, slots=True)
class Call:
    """A request to score.

    Attributes:
        query_tokens: Length of the query, at least 1.
        item_tokens: Length of each item, at least 1.
        num_items: How many, at least 1.
    """

    query_tokens: int
    item_tokens: int
    num_items: int


def packs_items(task: Task) -> bool:
    """Whether SGLang is started with multi-item scoring: as the task says, or where it can and is cheaper.

    Raises:
        ConfigurationError: The task wants it, and it cannot be had.
    """
    obstacle = _obstacle(task)
    if task.multi_item and obstacle is not None:
        raise ConfigurationError(f"--multi-item: {obstacle}")
    if task.multi_item is not None or obstacle is not None:
        return bool(task.multi_item)
    call = _longest_call(task.bundle.manifest.limits)
    return is_clearly_cheaper(call, task.shape.matrix_parameters, sequence_tokens(task))


def sequence_tokens(task: Task) -> int:
    """Longest sequence of packed items: the scorer's largest request in one, where model and memory allow it."""
    wanted = max(task.context_tokens, CALL_TOKENS + CALL_ITEMS + _SLACK_TOKENS)
    return min(wanted, task.shape.context_tokens, max(task.context_tokens, task.kv_tokens))


def is_clearly_cheaper(call: Call, weights: int, max_tokens: int) -> bool:
    """Whether packing wins by the margin; arguments as of ``seconds_packed``."""
    return seconds_packed(call, weights, max_tokens) < _CLEARLY * seconds_apart(call, weights)


def seconds_apart(call: Call, weights: int) -> float:
    """Time of a call with one sequence an item, the query primed.

    Args:
        call: What is scored.
        weights: Parameters of the layers' matrices.
    """
    primed = _pass_s(call.query_tokens + call.item_tokens, weights)
    others = call.num_items - 1
    return primed + (_pass_s(others * call.item_tokens, weights) if others else 0.0) + call.num_items * _HOST_S


def seconds_packed(call: Call, weights: int, max_tokens: int) -> float:
    """Time of a call with its items packed.

    Args:
        call: What is scored.
        weights: Parameters of the layers' matrices.
        max_tokens: Longest sequence; an item that does not fit into it with its query gets one of its own all the same.
    """
    room = max(1, (max_tokens - call.query_tokens - 1) // (call.item_tokens + 1))
    num_full, rest = divmod(call.num_items, room)

    def sequence_s(num_items: int) -> float:
        return _pass_s(call.query_tokens + num_items * (call.item_tokens + 1) + 1, weights) + _HOST_S

    return num_full * sequence_s(room) + (sequence_s(rest) if rest else 0.0)


def _pass_s(rows: int, weights: int) -> float:
    return max(2 * rows * weights / _FLOPS, 2 * weights / _BYTES_PER_S)


def _longest_call(limits: PromptLimits) -> Call:
    """As long as the limits allow, with the prompts' marks; real ones are shorter in much the same proportion."""
    return Call(1 + limits.query, limits.header + limits.summary + 3, CALL_ITEMS)


def _obstacle(task: Task) -> str | None:
    """Why the task cannot have it."""
    if task.role is not Role.RANKER:
        return "it scores items, and a summarizer is asked for completions, which such a server must not be sent"
    if task.device is not Device.CUDA:
        return "its mask is FlashInfer's, which needs a GPU"
    if task.dtype is Dtype.FLOAT32:
        return "FlashInfer computes in 16 bits: choose --dtype bfloat16"
    if task.shape.vocab_size <= DELIMITER_ID:
        return (
            f"SGLang's delimiter is token {DELIMITER_ID}, the model has {task.shape.vocab_size}: the server would end"
        )
    return None
