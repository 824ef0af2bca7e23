"""Keys and values of one prompt while it is being computed, chunk by chunk.

Shape suffixes: N rows of the chunk, S tokens so far, E hidden size, H query heads, K key-value heads, D head size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.engine.attention import attend, merge
from models.engine.kernels import normalise
from models.engine.layers import Layer, Model, finish, finish_layer, project_kv, project_q

if TYPE_CHECKING:
    from collections.abc import Sequence

    Rotary = tuple[torch.Tensor, torch.Tensor]


class SequenceCache:
    """Keys and values of one sequence, all layers. Owned by the engine's thread."""

    def __init__(self, model: Model, capacity_tokens: int) -> None:
        """Reserve room for a prompt of exactly ``capacity_tokens``."""
        shape = model.shape
        size = (shape.num_layers, shape.num_kv_heads, capacity_tokens, shape.head_dim)
        self._model = model
        self.keys_LKSD = torch.empty(size, dtype=model.dtype, device=model.device)
        self.values_LKSD = torch.empty(size, dtype=model.dtype, device=model.device)
        self.num_tokens = 0

    @torch.inference_mode()
    def extend(self, ids: Sequence[int], *, is_end: bool) -> torch.Tensor | None:
        """Compute the next tokens of the prompt.

        Args:
            ids: [N] at least one; together with the tokens so far within the capacity.
            is_end: These are the prompt's last tokens.

        Returns:
            The hidden state [1, E] of the last token, normalised for the head, if ``is_end``; otherwise None, and
            the last layer computes keys and values only.
        """
        model, start = self._model, self.num_tokens
        positions_N = torch.arange(start, start + len(ids), device=model.device)
        rotary = model.rotary(positions_N)
        x_NE = model.embedding_VE[torch.tensor(ids, device=model.device)]
        for index, layer in enumerate(model.layers[:-1]):
            h = layer.query.read(normalise(x_NE, model.shape.norm_eps))
            q_NHD = project_q(model, layer, h, rotary)
            self._store(index, *project_kv(model, layer, h, rotary))
            x_NE = finish_layer(model, layer, x_NE, self._attend_chunk(index, q_NHD))
        hidden_1E = self._last_layer(model.layers[-1], x_NE, rotary, is_end=is_end)
        self.num_tokens += len(ids)
        return hidden_1E

    def _store(self, index: int, k_NKD: torch.Tensor, v_NKD: torch.Tensor) -> None:
        end = self.num_tokens + k_NKD.shape[0]
        self.keys_LKSD[index, :, self.num_tokens : end] = k_NKD.transpose(0, 1)
        self.values_LKSD[index, :, self.num_tokens : end] = v_NKD.transpose(0, 1)

    def _attend_chunk(self, index: int, q_NHD: torch.Tensor) -> torch.Tensor:
        """Causal attention inside the chunk, merged with attention over everything before it."""
        start, end = self.num_tokens, self.num_tokens + q_NHD.shape[0]
        q_1HND = q_NHD[None].transpose(1, 2)
        keys_1KSD, values_1KSD = self.keys_LKSD[index, None], self.values_LKSD[index, None]
        own, own_lse = attend(q_1HND, keys_1KSD[:, :, start:end], values_1KSD[:, :, start:end], is_causal=True)
        if start:
            past, past_lse = attend(q_1HND, keys_1KSD[:, :, :start], values_1KSD[:, :, :start])
            own = merge(past, past_lse, own, own_lse)
        return own[0].transpose(0, 1)

    def _last_layer(self, layer: Layer, x_NE: torch.Tensor, rotary: Rotary, *, is_end: bool) -> torch.Tensor | None:
        """Keys and values of every row; a query, an output and a feed-forward only for the prompt's last token."""
        model, index = self._model, self._model.shape.num_layers - 1
        h_NE = normalise(x_NE, model.shape.norm_eps)
        self._store(index, *project_kv(model, layer, layer.key_value.read(h_NE), rotary))
        if not is_end:
            return None
        q_1HD = project_q(model, layer, layer.query.read(h_NE[-1:]), (rotary[0][-1:], rotary[1][-1:]))
        end = self.num_tokens + x_NE.shape[0]
        keys_1KSD, values_1KSD = self.keys_LKSD[index, None, :, :end], self.values_LKSD[index, None, :, :end]
        out_1H1D, _ = attend(q_1HD[:, :, None], keys_1KSD, values_1KSD)
        hidden_1E = finish_layer(model, layer, x_NE[-1:], out_1H1D[:, :, 0])
        return finish(model, hidden_1E)
