"""The decode batch with its step as a CUDA graph, one for each number of rows and width of the cache that is read.

Rows are padded to a power of two with rows of the cache that nobody uses: they take token 0 at position 0, and who
joins there overwrites what they leave.

Shape suffixes: S sequences padded, W width of the cache in tokens, C its capacity, L layers, K key-value heads, G query
heads that share one, H query heads, D head size, E hidden size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from models.engine.attention import hide
from models.engine.decoding import DecodeBatch
from models.engine.layers import finish, finish_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.engine.cuda.layers import Kernels, Projected
    from models.engine.cuda.weights import JoinedLayer
    from models.engine.layers import Model

_LEAST_WIDTH = 128


@dataclass(frozen=True, slots=True)
class _Step:
    """Fixed memory for steps of one size, and what computes on it."""

    tokens_and_positions_2S: torch.Tensor
    run: Callable[[], torch.Tensor]


class GraphedDecodeBatch(DecodeBatch):
    """A ``DecodeBatch`` that computes through kernels and graphs."""

    def __init__(
        self,
        model: Model,
        max_tokens: int,
        *,
        joined: Sequence[JoinedLayer],
        kernels: Kernels,
        record: Callable[[Callable[[], torch.Tensor]], Callable[[], torch.Tensor]],
    ) -> None:
        """Start empty.

        Args:
            model: The decoder.
            max_tokens: As for ``DecodeBatch``.
            joined: The model's layers.
            kernels: What computes.
            record: ``Graphs.record``, or ``run_each_time``.
        """
        super().__init__(model, max_tokens)
        self._joined = joined
        self._kernels = kernels
        self._record = record
        self._steps: dict[tuple[int, int], _Step] = {}
        self._recorded_cache: torch.Tensor | None = None

    def _compute(self, tokens: Sequence[int]) -> torch.Tensor:
        step = self._step_for(len(tokens), max(self._lengths) + 1)
        num_rows = len(tokens)
        numbers = torch.tensor([list(tokens), self._lengths], device=self._model.device)
        step.tokens_and_positions_2S[:, :num_rows] = numbers
        step.tokens_and_positions_2S[:, num_rows:] = 0
        return step.run()[:num_rows]

    def _step_for(self, num_rows: int, num_places: int) -> _Step:
        """The smallest step that is large enough; those of a cache that is no more are forgotten."""
        if self._recorded_cache is not self._keys_LSKCD:
            self._steps.clear()
            self._recorded_cache = self._keys_LSKCD
        _, rows_of_cache, _, capacity, _ = self._keys_LSKCD.shape
        size = min(_power_of_two(num_rows), rows_of_cache), min(_power_of_two(num_places, _LEAST_WIDTH), capacity)
        if size not in self._steps:
            numbers_2S = torch.zeros(2, size[0], dtype=torch.long, device=self._model.device)
            self._steps[size] = _Step(numbers_2S, self._record(lambda: self._run(numbers_2S, size[1])))
        return self._steps[size]

    def _run(self, tokens_and_positions_2S: torch.Tensor, width: int) -> torch.Tensor:
        model, kernels, eps = self._model, self._kernels, self._model.shape.norm_eps
        tokens_S, positions_S = tokens_and_positions_2S
        rotary = model.rotary(positions_S)
        is_behind_SW = torch.arange(width, device=model.device)[None] > positions_S[:, None]
        mask_S11W = hide(is_behind_SW, model.dtype)[:, None, None]
        x_SE = model.embedding_VE[tokens_S]
        projected = kernels.project(x_SE, self._joined[0], rotary, eps)
        for index in range(len(self._joined) - 1):
            attended_SHD = self._attend(index, projected, positions_S, mask_S11W)
            layer, following = self._joined[index : index + 2]
            x_SE, projected = kernels.go_on(x_SE, attended_SHD, layer, following, rotary, eps)
        attended_SHD = self._attend(len(self._joined) - 1, projected, positions_S, mask_S11W)
        return finish(model, finish_layer(model, model.layers[-1], x_SE, attended_SHD))

    def _attend(
        self, index: int, projected: Projected, positions_S: torch.Tensor, mask_S11W: torch.Tensor
    ) -> torch.Tensor:
        """Store keys and values at the rows' ends; attention over what each row has."""
        num_rows, _, _, width = mask_S11W.shape
        rows_S = torch.arange(num_rows, device=positions_S.device)
        keys_SKCD, values_SKCD = self._keys_LSKCD[index], self._values_LSKCD[index]
        keys_SKCD[rows_S, :, positions_S] = projected.keys
        values_SKCD[rows_S, :, positions_S] = projected.values
        q_SKGD = projected.queries.unflatten(1, (self._model.shape.num_kv_heads, -1))
        attended_SKGD = F.scaled_dot_product_attention(
            q_SKGD,
            keys_SKCD[:num_rows, :, :width],
            values_SKCD[:num_rows, :, :width],
            attn_mask=mask_S11W,
        )
        return attended_SKGD.flatten(1, 2)


def _power_of_two(number: int, least: int = 1) -> int:
    """The next one that is not smaller than either."""
    return 1 << (max(number, least) - 1).bit_length()
