"""Packed scoring: the query prefix once, the items beside it in the same pass, label rows of the head only.

Each item sees the prefix and its own earlier tokens, at the positions it would have alone; items do not see each
other. Attention of an item's token is computed in two parts, over the prefix and over the item, and merged by
log-sum-exp, so the prefix's keys are never copied. Nothing is decoded. In the last layer only the last token of each
item gets a query.

Shape suffixes: P prefix tokens, M item tokens of the pack, N = P + M rows, I items, T tokens of the longest item,
E hidden, H query heads, K key-value heads, D head size, L labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from models.engine.attention import attend, merge
from models.engine.layers import Layer, Model, finish_layer, project_kv, project_q, project_qkv, rms_norm
from models.engine.packing import PackLayout

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Prefix:
    """The shared prefix of one request. Keys and values are filled by its first pack and read by the others."""

    ids: tuple[int, ...]
    """May be empty: then items stand alone."""
    keys_KPD: list[torch.Tensor] = field(default_factory=list)
    """One tensor a layer."""
    values_KPD: list[torch.Tensor] = field(default_factory=list)

    @property
    def is_computed(self) -> bool:
        """No pass needs to carry the prefix rows any more."""
        return not self.ids or bool(self.keys_KPD)


@torch.inference_mode()
def encode_pack(model: Model, prefix: Prefix, items: Sequence[Sequence[int]]) -> torch.Tensor:
    """Hidden state of the last token of each item after its prefix, normalised for the head.

    Args:
        model: The decoder.
        prefix: Shared by the items; computed in this pass where it was not before.
        items: [I] at least one, each at least one token; prefix and item fit the context together.

    Returns:
        [I, E] in the order of ``items``.
    """
    layout = _DeviceLayout(PackLayout(tuple(len(item) for item in items)), model)
    new_prefix = () if prefix.is_computed else prefix.ids
    num_new = len(new_prefix)
    offsets = layout.offsets_M + len(prefix.ids)
    positions_N = torch.cat([torch.arange(num_new, device=model.device), offsets])
    ids_N = torch.tensor([*new_prefix, *(i for item in items for i in item)], device=model.device)
    rotary = model.rotary(positions_N)
    last_rows_I = layout.last_rows_I + num_new
    x_NE = model.embedding_VE[ids_N]
    for index, layer in enumerate(model.layers[:-1]):
        h_NE = rms_norm(x_NE, layer.attention_norm_E, model.shape.norm_eps)
        q_NHD, k_NKD, v_NKD = project_qkv(model, layer, h_NE, rotary)
        _keep_prefix(prefix, k_NKD, v_NKD, num_new)
        attended_NHD = _attend_rows(layout, prefix, index, num_new, q_NHD, k_NKD, v_NKD)
        x_NE = finish_layer(model, layer, x_NE, attended_NHD)
    return _last_layer(model, model.layers[-1], prefix, layout, x_NE, rotary, last_rows_I)


def _last_layer(
    model: Model,
    layer: Layer,
    prefix: Prefix,
    layout: _DeviceLayout,
    x_NE: torch.Tensor,
    rotary: tuple[torch.Tensor, torch.Tensor],
    last_rows_I: torch.Tensor,
) -> torch.Tensor:
    """Keys and values of every row, queries of the items' last rows only."""
    h_NE = rms_norm(x_NE, layer.attention_norm_E, model.shape.norm_eps)
    k_NKD, v_NKD = project_kv(model, layer, h_NE, rotary)
    rotary_I = rotary[0][last_rows_I], rotary[1][last_rows_I]
    q_IHD = project_q(model, layer, h_NE[last_rows_I], rotary_I)
    num_new = k_NKD.shape[0] - layout.num_rows
    _keep_prefix(prefix, k_NKD, v_NKD, num_new)
    k_IKTD, v_IKTD = layout.pad(k_NKD[num_new:]), layout.pad(v_NKD[num_new:])
    out_IH1D, lse_IH1 = attend(q_IHD[:, :, None], k_IKTD, v_IKTD, mask=layout.end_mask())
    attended_IHD = _with_prefix(prefix, model.shape.num_layers - 1, q_IHD, out_IH1D[:, :, 0], lse_IH1[:, :, 0])
    x_IE = finish_layer(model, layer, x_NE[last_rows_I], attended_IHD)
    return rms_norm(x_IE, model.final_norm_E, model.shape.norm_eps)


def label_logits(model: Model, hidden_IE: torch.Tensor, label_ids: Sequence[int]) -> torch.Tensor:
    """Logits of the labels only, [I, L] in float32: L rows of the head instead of the whole vocabulary."""
    rows_LE = model.head_VE[torch.tensor(label_ids, device=model.device)]
    return (hidden_IE @ rows_LE.T).float()


def label_logprobs(model: Model, hidden_IE: torch.Tensor, label_ids: Sequence[int]) -> torch.Tensor:
    """Log-probabilities of the labels among the whole vocabulary, [I, L] in float32."""
    logits_IV = model.linear(hidden_IE, model.head_VE).float()
    labels_L = torch.tensor(label_ids, device=model.device)
    return logits_IV[:, labels_L] - logits_IV.logsumexp(-1, keepdim=True)


def _keep_prefix(prefix: Prefix, k_NKD: torch.Tensor, v_NKD: torch.Tensor, num_new: int) -> None:
    if num_new:
        prefix.keys_KPD.append(k_NKD[:num_new].transpose(0, 1).contiguous())
        prefix.values_KPD.append(v_NKD[:num_new].transpose(0, 1).contiguous())


def _attend_rows(
    layout: _DeviceLayout,
    prefix: Prefix,
    index: int,
    num_new: int,
    q_NHD: torch.Tensor,
    k_NKD: torch.Tensor,
    v_NKD: torch.Tensor,
) -> torch.Tensor:
    q_IHTD, k_IKTD, v_IKTD = (layout.pad(rows[num_new:]) for rows in (q_NHD, k_NKD, v_NKD))
    out_IHTD, lse_IHT = attend(q_IHTD, k_IKTD, v_IKTD, is_causal=True)
    out_MHD, lse_MH = layout.unpad(out_IHTD), layout.unpad(lse_IHT)
    attended_MHD = _with_prefix(prefix, index, q_NHD[num_new:], out_MHD, lse_MH)
    if not num_new:
        return attended_MHD
    q_1HPD = q_NHD[None, :num_new].transpose(1, 2)
    out_1HPD, _ = attend(q_1HPD, prefix.keys_KPD[index][None], prefix.values_KPD[index][None], is_causal=True)
    return torch.cat([out_1HPD[0].transpose(0, 1), attended_MHD])


def _with_prefix(
    prefix: Prefix, index: int, q_RHD: torch.Tensor, own_RHD: torch.Tensor, own_lse_RH: torch.Tensor
) -> torch.Tensor:
    """Merge attention of R rows over their own item with attention over the whole prefix."""
    if not prefix.ids:
        return own_RHD
    keys_1KPD, values_1KPD = prefix.keys_KPD[index][None], prefix.values_KPD[index][None]
    out_1HRD, lse_1HR = attend(q_RHD[None].transpose(1, 2), keys_1KPD, values_1KPD)
    return merge(out_1HRD[0].transpose(0, 1), lse_1HR[0].T, own_RHD, own_lse_RH)


class _DeviceLayout:
    """A ``PackLayout`` as tensors on the model's device, with the two moves between rows and rectangle."""

    def __init__(self, layout: PackLayout, model: Model) -> None:
        self._layout = layout
        self._model = model
        self.num_rows = sum(layout.lengths)
        self.last_rows_I = torch.tensor(layout.last_rows(), device=model.device)
        self.offsets_M = torch.tensor(layout.offsets(), device=model.device)
        if not layout.is_rectangular:
            self._padded_rows_IT = torch.tensor(layout.padded_rows(), device=model.device)
            self._flat_places_M = torch.tensor(layout.flat_places(), device=model.device)

    def pad(self, rows_MXD: torch.Tensor) -> torch.Tensor:
        """Rows [M, X, D] as a rectangle [I, X, T, D]."""
        if self._layout.is_rectangular:
            rows_ITXD = rows_MXD.unflatten(0, (len(self._layout.lengths), self._layout.width))
        else:
            rows_ITXD = rows_MXD[self._padded_rows_IT]
        return rows_ITXD.transpose(1, 2)

    def unpad(self, places_IXT: torch.Tensor) -> torch.Tensor:
        """A rectangle [I, X, T, ...] as rows [M, X, ...]; padding is dropped."""
        rows = places_IXT.transpose(1, 2).flatten(0, 1)
        return rows if self._layout.is_rectangular else rows[self._flat_places_M]

    def end_mask(self) -> torch.Tensor | None:
        """[I, 1, 1, T] mask that hides the padding from the last token of each item."""
        if self._layout.is_rectangular:
            return None
        lengths_I = torch.tensor(self._layout.lengths, device=self._model.device)
        places_T = torch.arange(self._layout.width, device=self._model.device)
        is_padding_IT = places_T[None] >= lengths_I[:, None]
        mask_IT = torch.zeros(is_padding_IT.shape, dtype=self._model.dtype, device=self._model.device)
        return mask_IT.masked_fill_(is_padding_IT, -math.inf)[:, None, None]
