"""The decode batch: sequences at different positions take one token each per step; they join and leave between steps.

Rows 0..S-1 of the cache are always the running sequences, so a step reads one rectangle without gathering. A row
that leaves is overwritten by the last one.

Shape suffixes: S sequences, C capacity in tokens, E hidden size, H query heads, K key-value heads, D head size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from models.engine.attention import attend, hide
from models.engine.kernels import normalise
from models.engine.layers import Layer, Model, finish, finish_layer, project_kv, project_q

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.engine.sequence_cache import SequenceCache

_TOKEN_STEP = 64
"""Granularity of the capacity in tokens: sequences of nearly the same need do not each force a copy."""


class DecodeBatch:
    """KV cache of the running sequences. Owned by the engine's thread."""

    def __init__(self, model: Model, max_tokens: int) -> None:
        """Start empty; memory is taken when sequences join.

        Args:
            model: The decoder.
            max_tokens: Bound on rows times capacity. One sequence alone is always taken.
        """
        self._model = model
        self.max_tokens = max_tokens
        self._lengths: list[int] = []
        self._needs: list[int] = []
        self._keys_LSKCD = self._empty(0, 0)
        self._values_LSKCD = self._empty(0, 0)

    @property
    def num_sequences(self) -> int:
        """Rows in use."""
        return len(self._lengths)

    def has_room(self, num_reserved: int) -> bool:
        """Whether one more sequence of this many tokens stays within the bound."""
        capacity = _round_up(max([*self._needs, num_reserved]))
        return not self._needs or (self.num_sequences + 1) * capacity <= self.max_tokens

    def join(self, cache: SequenceCache, num_reserved: int) -> None:
        """Take a computed prompt in as the last row.

        Args:
            cache: The prompt's keys and values; copied, and free afterwards.
            num_reserved: Tokens the sequence may reach, prompt included.
        """
        self._make_room(num_reserved)
        row, length = self.num_sequences, cache.num_tokens
        for batch, sequence in ((self._keys_LSKCD, cache.keys_LKSD), (self._values_LSKCD, cache.values_LKSD)):
            batch[:, row, :, :length] = sequence[:, :, :length]
            # What the row held before must not stay: a masked NaN is still a NaN once multiplied by zero.
            batch[:, row, :, length:].zero_()
        self._lengths.append(length)
        self._needs.append(num_reserved)

    def leave(self, row: int) -> None:
        """Free a row. The last row takes its number; callers renumber the same way."""
        last = self.num_sequences - 1
        if row != last:
            self._keys_LSKCD[:, row] = self._keys_LSKCD[:, last]
            self._values_LSKCD[:, row] = self._values_LSKCD[:, last]
            self._lengths[row], self._needs[row] = self._lengths[last], self._needs[last]
        self._lengths.pop()
        self._needs.pop()

    @torch.inference_mode()
    def step(self, tokens: Sequence[int]) -> torch.Tensor:
        """Append one token to every running sequence.

        Args:
            tokens: [S] the tokens chosen last, in row order.

        Returns:
            [S, E] hidden states after these tokens, normalised for the head.
        """
        hidden_SE = self._compute(tokens)
        self._lengths = [length + 1 for length in self._lengths]
        return hidden_SE

    def _compute(self, tokens: Sequence[int]) -> torch.Tensor:
        """What ``step`` computes: keys and values go to each row's end, the lengths stay."""
        model, device = self._model, self._model.device
        positions_S = torch.tensor(self._lengths, device=device)
        rows_S = torch.arange(self.num_sequences, device=device)
        rotary = model.rotary(positions_S)
        mask = self._mask(positions_S)
        x_SE = model.embedding_VE[torch.tensor(tokens, device=device)]
        for index, layer in enumerate(model.layers):
            x_SE = self._layer_step(index, layer, x_SE, rotary, (rows_S, positions_S), mask)
        return finish(model, x_SE)

    def _layer_step(
        self,
        index: int,
        layer: Layer,
        x_SE: torch.Tensor,
        rotary: tuple[torch.Tensor, torch.Tensor],
        place: tuple[torch.Tensor, torch.Tensor],
        mask: torch.Tensor,
    ) -> torch.Tensor:
        model, num_rows, width = self._model, x_SE.shape[0], mask.shape[-1]
        rows_S, positions_S = place
        h = layer.query.read(normalise(x_SE, model.shape.norm_eps))
        q_SHD = project_q(model, layer, h, rotary)
        k_SKD, v_SKD = project_kv(model, layer, h, rotary)
        keys_SKCD, values_SKCD = self._keys_LSKCD[index], self._values_LSKCD[index]
        keys_SKCD[rows_S, :, positions_S] = k_SKD
        values_SKCD[rows_S, :, positions_S] = v_SKD
        # Query heads that share keys stand as queries of one key-value head: one pass over the cache serves them all.
        q_SKGD = q_SHD.unflatten(1, (model.shape.num_kv_heads, -1))
        out_SKGD, _ = attend(q_SKGD, keys_SKCD[:num_rows, :, :width], values_SKCD[:num_rows, :, :width], mask=mask)
        return finish_layer(model, layer, x_SE, out_SKGD.flatten(1, 2))

    def _mask(self, positions_S: torch.Tensor) -> torch.Tensor:
        """[S, 1, 1, longest] mask that hides what lies behind each sequence's end."""
        places_C = torch.arange(max(self._lengths) + 1, device=positions_S.device)
        is_behind_SC = places_C[None] > positions_S[:, None]
        return hide(is_behind_SC, self._model.dtype)[:, None, None]

    def _make_room(self, num_reserved: int) -> None:
        """Reallocate for what is running now and one more, if that does not fit; the running rows are copied."""
        num_needed = max([*self._needs, num_reserved])
        num_rows, capacity = self._keys_LSKCD.shape[1], self._keys_LSKCD.shape[3]
        if self.num_sequences < num_rows and num_needed <= capacity:
            return
        capacity = _round_up(num_needed)
        num_wanted = max(num_rows, 2 * self.num_sequences)
        num_rows = max(self.num_sequences + 1, min(num_wanted, self.max_tokens // capacity))
        self._keys_LSKCD = self._moved(self._keys_LSKCD, num_rows, capacity)
        self._values_LSKCD = self._moved(self._values_LSKCD, num_rows, capacity)

    def _moved(self, old: torch.Tensor, num_rows: int, capacity: int) -> torch.Tensor:
        new = self._empty(num_rows, capacity)
        num_tokens = max(self._lengths, default=0)
        new[:, : self.num_sequences, :, :num_tokens] = old[:, : self.num_sequences, :, :num_tokens]
        return new

    def _empty(self, num_rows: int, capacity: int) -> torch.Tensor:
        shape = self._model.shape
        size = (shape.num_layers, num_rows, shape.num_kv_heads, capacity, shape.head_dim)
        return torch.zeros(size, dtype=self._model.dtype, device=self._model.device)


NewDecodeBatch = Callable[[Model, int], DecodeBatch]
"""Makes an empty batch for a model and a bound of its cache in tokens."""


def _round_up(num_tokens: int) -> int:
    return math.ceil(num_tokens / _TOKEN_STEP) * _TOKEN_STEP
