"""Whether the compiled path can run here, and whether it computes what the plain one does."""

from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING

import torch

from models.engine.decoding import DecodeBatch
from models.engine.jobs import Prompt
from models.engine.scoring import Group, Prefix, encode_pass
from models.engine.sequence_cache import SequenceCache

if TYPE_CHECKING:
    from models.engine.decoding import NewDecodeBatch
    from models.engine.layers import Model
    from models.engine.scoring import EncodePass

_CAPABILITY = (8, 0)
_HEAD_SIZES = (16, 32, 64, 128)
_COMPILERS = ("cc", "gcc", "clang")
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""Largest relative distance of a hidden state from the plain path's: far above rounding, far below a wrong mask."""


def missing(model: Model) -> str | None:
    """Why the compiled path cannot run, with the remedy; None where it can be tried."""
    if importlib.util.find_spec("triton") is None:
        return "Triton is missing: install torch's own build for CUDA, which brings it"
    if not any(map(shutil.which, _COMPILERS)):
        return f"no C compiler on PATH ({', '.join(_COMPILERS)}), which Triton needs: install gcc"
    if model.shape.head_dim not in _HEAD_SIZES:
        return f"heads of {model.shape.head_dim} values, FlexAttention is used for {_HEAD_SIZES}: none"
    if torch.cuda.get_device_capability(model.device) < _CAPABILITY:
        return "the GPU is older than Ampere (compute capability 8.0): use a newer one"
    return None


@torch.inference_mode()
def difference(model: Model, encode: EncodePass, new_decode_batch: NewDecodeBatch) -> str | None:
    """How far a small pass and some decode steps are from the plain path's; None where they are near enough."""
    # A NaN is largest here, and a difference: broken weights are found by the warm-up that follows, on the plain path.
    largest = torch.cat([_scoring_distances(model, encode), _decoding_distances(model, new_decode_batch)]).max().item()
    if largest <= _TOLERANCE[model.dtype]:
        return None
    return f"a hidden state is off by {largest:.2g} of its length (allowed: {_TOLERANCE[model.dtype]})"


def _scoring_distances(model: Model, encode: EncodePass) -> torch.Tensor:
    num_tokens = min(_LONGEST_TOKENS, model.shape.context_tokens // 2)
    lengths = [1, num_tokens, 1 + num_tokens // 3, 1 + num_tokens // 2]
    items = [Prompt(_ids(model, 10 * length, length)) for length in lengths]
    groups = [Group(Prefix(Prompt(_ids(model, 0, num_tokens))), items), Group(Prefix(Prompt(())), items[1:])]
    return _distances(encode(groups), encode_pass(model, groups))


def _decoding_distances(model: Model, new_decode_batch: NewDecodeBatch) -> torch.Tensor:
    batches = [make(model, _NUM_STEPS * _LONGEST_TOKENS) for make in (new_decode_batch, DecodeBatch)]
    for num_tokens in (3, 5, 2):
        cache = SequenceCache(model, num_tokens)
        cache.extend(_ids(model, num_tokens, num_tokens), is_end=False)
        for batch in batches:
            batch.join(cache, num_tokens + _NUM_STEPS)
    steps = [_ids(model, step, 3) for step in range(_NUM_STEPS)]
    return torch.cat([_distances(*(batch.step(tokens) for batch in batches)) for tokens in steps])


def _ids(model: Model, start: int, num_tokens: int) -> tuple[int, ...]:
    return tuple(7 * number % model.shape.vocab_size for number in range(start, start + num_tokens))


def _distances(found_RE: torch.Tensor, expected_RE: torch.Tensor) -> torch.Tensor:
    """[R] distance of each row over its length."""
    expected_RE = expected_RE.float()
    return (found_RE.float() - expected_RE).norm(dim=1) / expected_RE.norm(dim=1)


_LONGEST_TOKENS = 150
"""Of the longest prompts: more than one block of rows."""
_NUM_STEPS = 4
"""Run, recorded, and replayed twice."""
