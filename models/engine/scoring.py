"""Packed scoring: one pass for the items of one or several requests, each prefix once, label rows of the head only.

Each item sees its own prefix and its own earlier tokens, at the positions it would have alone; items do not see each
other, requests neither. Attention of an item's token is computed in two parts, over the prefix and over the item, and
merged by log-sum-exp, so a prefix's keys are never copied. Nothing is decoded. In the last layer only the last token of
each item gets a query.

Shape suffixes: N token rows of the pass, M item rows, I items, T places of a block, P prefix tokens rounded up,
E hidden, H query heads, K key-value heads, D head size, L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from models.engine.attention import attend, hide, merge
from models.engine.kernels import normalise
from models.engine.layers import Layer, Model, finish, finish_layer, project_kv, project_q
from models.engine.packing import Block, ItemRows, plan_blocks, round_up

if TYPE_CHECKING:
    from models.engine.jobs import Prompt

_PREFIX_STEP = 32
"""Keys of a prefix are padded to multiples of this and the padding masked: 160 keys cost 0.7 of 140 (AMX, bfloat16)."""


class _KeysValues(NamedTuple):
    """Of one prefix in one layer, [1, K, P, D] each, zeros behind its end."""

    keys: torch.Tensor
    values: torch.Tensor


@dataclass(slots=True, eq=False)
class Prefix:
    """A shared prefix. Keys and values are kept by the first pass that it is part of, and read by the others."""

    prompt: Prompt
    """May be empty: then items stand alone."""
    layers: list[_KeysValues] = field(default_factory=list)
    """One entry a layer once computed."""

    @property
    def num_rows_to_compute(self) -> int:
        """Rows that the next pass has to carry for it."""
        return 0 if self.layers else len(self.prompt)


@dataclass(frozen=True, slots=True)
class Group:
    """Items of a pass that share a prefix."""

    prefix: Prefix
    items: Sequence[Prompt]
    """At least one, at least one token each; prefix and item fit the context together."""


EncodePass = Callable[[Sequence[Group]], torch.Tensor]
"""``encode_pass`` of one model."""


@torch.inference_mode()
def encode_pass(model: Model, groups: Sequence[Group]) -> torch.Tensor:
    """Hidden state of the last token of each item after its prefix, normalised for the head.

    Prefixes that were not computed before are computed in this pass, and kept once it has succeeded.

    Args:
        model: The decoder.
        groups: At least one, no prefix twice.

    Returns:
        [I, E] in the order of groups and items.
    """
    rows = _Rows(model, groups)
    rotary = model.rotary(rows.positions_N)
    x_NE = rows.embed()
    for layer in model.layers[:-1]:
        h = layer.query.read(normalise(x_NE, model.shape.norm_eps))
        q_NHD = project_q(model, layer, h, rotary)
        k_NKD, v_NKD = project_kv(model, layer, h, rotary)
        prefixes = rows.take_prefixes(k_NKD, v_NKD)
        x_NE = finish_layer(model, layer, x_NE, rows.attend_all(prefixes, q_NHD, k_NKD, v_NKD))
    hidden_IE = _last_layer(model, model.layers[-1], rows, x_NE, rotary)
    rows.keep_prefixes()
    return hidden_IE


def _last_layer(
    model: Model, layer: Layer, rows: _Rows, x_NE: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """Keys and values of every row, queries of the items' last rows only."""
    h_NE = normalise(x_NE, model.shape.norm_eps)
    k_NKD, v_NKD = project_kv(model, layer, layer.key_value.read(h_NE), rotary)
    last_I = rows.last_rows_I
    q_IHD = project_q(model, layer, layer.query.read(h_NE[last_I]), (rotary[0][last_I], rotary[1][last_I]))
    attended_IHD = rows.attend_ends(rows.take_prefixes(k_NKD, v_NKD), q_IHD, k_NKD, v_NKD)
    return finish(model, finish_layer(model, layer, x_NE[last_I], attended_IHD))


def label_logits(model: Model, hidden_IE: torch.Tensor, label_ids: Sequence[int]) -> torch.Tensor:
    """Logits of the labels only, [I, L] in float32: L rows of the head instead of the whole vocabulary."""
    rows_LE = model.head_VE[torch.tensor(label_ids, device=model.device)]
    return hidden_IE.float() @ rows_LE.float().T


def label_logprobs(model: Model, hidden_IE: torch.Tensor, label_ids: Sequence[int]) -> torch.Tensor:
    """Log-probabilities of the labels among the whole vocabulary, [I, L] in float32."""
    logits_IV = model.logits(hidden_IE).float()
    labels_L = torch.tensor(label_ids, device=model.device)
    return logits_IV[:, labels_L] - logits_IV.logsumexp(-1, keepdim=True)


def embed_rows(model: Model, sequences: Sequence[Prompt]) -> torch.Tensor:
    """[N, E] input embeddings of the sequences, one after the other, the caller's own in their places."""
    ids_N = np.fromiter(chain.from_iterable(sequence.ids for sequence in sequences), np.int64)
    x_NE = model.embedding_VE[torch.from_numpy(ids_N).to(model.device)]
    starts = [0, *accumulate(map(len, sequences))]
    rows = [start + place for start, sequence in zip(starts, sequences, strict=False) for place in sequence.places]
    if rows:
        vectors = [vector for sequence in sequences for vector in sequence.vectors]
        x_NE[torch.tensor(rows, device=model.device)] = torch.tensor(vectors, dtype=x_NE.dtype, device=x_NE.device)
    return x_NE


class _Rows:
    """The rows of one pass: new prefixes, then items. Knows which rows attend to which."""

    def __init__(self, model: Model, groups: Sequence[Group]) -> None:
        self._model = model
        self._groups = groups
        self._new = [group for group in groups if group.prefix.num_rows_to_compute]
        self._new_ends = list(accumulate(len(group.prefix.prompt) for group in self._new))
        self._num_new = sum(len(group.prefix.prompt) for group in self._new)
        items = [item for group in groups for item in group.items]
        self._sequences = [*(group.prefix.prompt for group in self._new), *items]
        layout = ItemRows(tuple(map(len, items)))
        blocks = plan_blocks(layout.lengths)
        self._blocks = [_DeviceBlock(layout, block, model) for block in blocks]
        self._places_M = self._tensor(layout.places(blocks))
        self._block_places_I = self._tensor(_inverse([item for block in blocks for item in block.items]))
        self.last_rows_I = self._tensor(layout.last_rows()) + self._num_new
        starts = [len(group.prefix.prompt) for group in groups for item in group.items for _ in item.ids]
        new_offsets = list(chain.from_iterable(range(len(group.prefix.prompt)) for group in self._new))
        self.positions_N = self._tensor(
            [*new_offsets, *(start + offset for start, offset in zip(starts, layout.offsets(), strict=True))]
        )
        # Kept apart until the pass has succeeded: after a failure no prefix may be half computed.
        self._computed: list[list[_KeysValues]] = [[] for _ in self._new]
        self._layer_index = -1

    def embed(self) -> torch.Tensor:
        """[N, E] input embeddings."""
        return embed_rows(self._model, self._sequences)

    def take_prefixes(self, k_NKD: torch.Tensor, v_NKD: torch.Tensor) -> list[_KeysValues | None]:
        """Keys and values of each group's prefix in the next layer; None for an empty prefix."""
        self._layer_index += 1
        start = 0
        for computed, end in zip(self._computed, self._new_ends, strict=True):
            computed.append(_KeysValues(_padded(k_NKD[start:end]), _padded(v_NKD[start:end])))
            start = end
        computed_of = {id(group): computed for group, computed in zip(self._new, self._computed, strict=True)}
        return [
            computed_of.get(id(group), group.prefix.layers)[self._layer_index] if len(group.prefix.prompt) else None
            for group in self._groups
        ]

    def keep_prefixes(self) -> None:
        """Hand what was computed to the prefixes."""
        for group, computed in zip(self._new, self._computed, strict=True):
            group.prefix.layers = computed

    def attend_all(
        self, prefixes: Sequence[_KeysValues | None], q_NHD: torch.Tensor, k_NKD: torch.Tensor, v_NKD: torch.Tensor
    ) -> torch.Tensor:
        """[N, H, D] attention of every row."""
        attended_NHD = torch.empty_like(q_NHD)
        self._attend_new_prefixes(prefixes, q_NHD, attended_NHD)
        q_MHD, k_MKD, v_MKD = (rows[self._num_new :] for rows in (q_NHD, k_NKD, v_NKD))
        parts = [attend(block.pad(q_MHD), block.pad(k_MKD), block.pad(v_MKD), is_causal=True) for block in self._blocks]
        own_MHD = _joined([out.transpose(1, 2).flatten(0, 1) for out, _ in parts]).index_select(0, self._places_M)
        lse_MH = _joined([lse.transpose(1, 2).flatten(0, 1) for _, lse in parts]).index_select(0, self._places_M)
        num_rows = [sum(map(len, group.items)) for group in self._groups]
        self._merge_prefixes(prefixes, num_rows, q_MHD, own_MHD, lse_MH, attended_NHD[self._num_new :])
        return attended_NHD

    def attend_ends(
        self, prefixes: Sequence[_KeysValues | None], q_IHD: torch.Tensor, k_NKD: torch.Tensor, v_NKD: torch.Tensor
    ) -> torch.Tensor:
        """[I, H, D] attention of each item's last row; ``q_IHD`` has these rows only."""
        k_MKD, v_MKD = k_NKD[self._num_new :], v_NKD[self._num_new :]
        parts = [
            attend(q_IHD[block.items_B, :, None], block.pad(k_MKD), block.pad(v_MKD), mask=block.end_mask)
            for block in self._blocks
        ]
        own_IHD = torch.cat([out[:, :, 0] for out, _ in parts])[self._block_places_I]
        lse_IH = torch.cat([lse[:, :, 0] for _, lse in parts])[self._block_places_I]
        attended_IHD = torch.empty_like(q_IHD)
        num_rows = [len(group.items) for group in self._groups]
        self._merge_prefixes(prefixes, num_rows, q_IHD, own_IHD, lse_IH, attended_IHD)
        return attended_IHD

    def _attend_new_prefixes(
        self, prefixes: Sequence[_KeysValues | None], q_NHD: torch.Tensor, attended_NHD: torch.Tensor
    ) -> None:
        start = 0
        for group, prefix in zip(self._groups, prefixes, strict=True):
            if prefix is None or not group.prefix.num_rows_to_compute:
                continue
            end = start + len(group.prefix.prompt)
            out_1HPD, _ = attend(q_NHD[None, start:end].transpose(1, 2), prefix.keys, prefix.values, is_causal=True)
            attended_NHD[start:end] = out_1HPD[0].transpose(0, 1)
            start = end

    def _merge_prefixes(
        self,
        prefixes: Sequence[_KeysValues | None],
        num_rows: Sequence[int],
        q_RHD: torch.Tensor,
        own_RHD: torch.Tensor,
        lse_RH: torch.Tensor,
        out_RHD: torch.Tensor,
    ) -> None:
        """Write into ``out_RHD`` the attention of rows over their own item merged with that over their prefix."""
        end = 0
        for group, prefix, num in zip(self._groups, prefixes, num_rows, strict=True):
            start, end = end, end + num
            if prefix is None:
                out_RHD[start:end] = own_RHD[start:end]
                continue
            q_1HRD = q_RHD[None, start:end].transpose(1, 2)
            mask = self._prefix_mask(len(group.prefix.prompt), prefix.keys.shape[2])
            shared_1HRD, shared_lse_1HR = attend(q_1HRD, prefix.keys, prefix.values, mask=mask)
            shared_RHD, shared_lse_RH = shared_1HRD[0].transpose(0, 1), shared_lse_1HR[0].T
            merge(shared_RHD, shared_lse_RH, own_RHD[start:end], lse_RH[start:end], into=out_RHD[start:end])

    def _prefix_mask(self, num_tokens: int, width: int) -> torch.Tensor | None:
        if num_tokens == width:
            return None
        is_padding = torch.arange(width, device=self._model.device) >= num_tokens
        return hide(is_padding[None, None, None], self._model.dtype)

    def _tensor(self, numbers: list[int]) -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.long, device=self._model.device)


class _DeviceBlock:
    """A ``Block`` as tensors on the model's device."""

    def __init__(self, layout: ItemRows, block: Block, model: Model) -> None:
        device = model.device
        self._size = len(block.items), block.width
        self._rows_BT = torch.tensor(layout.padded_rows(block), device=device).flatten()
        self.items_B = torch.tensor(block.items, device=device)
        """[B] the items' numbers."""
        lengths_B = torch.tensor([layout.lengths[item] for item in block.items], device=device)
        is_padding_BT = torch.arange(block.width, device=device)[None] >= lengths_B[:, None]
        self.end_mask = hide(is_padding_BT[:, None, None], model.dtype)
        """[B, 1, 1, T] hides the padding from the last token of each item."""

    def pad(self, rows_MXD: torch.Tensor) -> torch.Tensor:
        """Rows [M, X, D] as a rectangle [B, X, T, D]."""
        return rows_MXD.index_select(0, self._rows_BT).unflatten(0, self._size).transpose(1, 2)


def _padded(rows_PXD: torch.Tensor) -> torch.Tensor:
    """Rows [p, X, D] as [1, X, P, D], zeros behind them. Zeros, for a masked NaN is still a NaN once multiplied."""
    num_rows = rows_PXD.shape[0]
    return F.pad(rows_PXD.transpose(0, 1), (0, 0, 0, round_up(num_rows, _PREFIX_STEP) - num_rows))[None].contiguous()


def _joined(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Parts one after the other; one alone is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _inverse(order: Sequence[int]) -> list[int]:
    """Place of each number in a permutation."""
    places = [0] * len(order)
    for place, number in enumerate(order):
        places[number] = place
    return places
