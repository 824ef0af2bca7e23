"""Attention that also returns its log-sum-exp, so that parts over disjoint keys can be merged exactly.

Shape suffixes: B batch, H query heads, K key-value heads (H is a multiple of K), T queries, S keys, D head size.
"""

from __future__ import annotations

import math

import torch

_FLASH_HEAD_STEP = 8
_FLASH_LARGEST_HEAD = 256
_FLASH_CAPABILITY = (8, 0)


def attend(
    q_BHTD: torch.Tensor,
    k_BKSD: torch.Tensor,
    v_BKSD: torch.Tensor,
    *,
    is_causal: bool = False,
    mask: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled dot-product attention over one set of keys.

    Args:
        q_BHTD: Queries; any strides with the last dimension contiguous.
        k_BKSD: Keys, S at least 1.
        v_BKSD: Values.
        is_causal: Query t sees keys 0..t. Needs S >= T and no mask.
        mask: Added to the logits, broadcastable to [B, H, T, S], of the queries' type. Each query must see a key.

    Returns:
        The output [B, H, T, D] and the log-sum-exp of the logits [B, H, T] in float32.
    """
    if q_BHTD.device.type == "cpu":
        out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(  # noqa: SLF001 - the public function drops the log-sum-exp
            q_BHTD, k_BKSD, v_BKSD, 0.0, is_causal, attn_mask=mask
        )
        return out, lse
    if mask is None and _has_flash(q_BHTD):
        # With more keys than queries the kernel's causal mask ends at the last key; ours begins at the first.
        num_keys = q_BHTD.shape[2] if is_causal else k_BKSD.shape[2]
        out, lse, *_ = torch.ops.aten._scaled_dot_product_flash_attention(  # noqa: SLF001 - as above
            q_BHTD, k_BKSD[:, :, :num_keys], v_BKSD[:, :, :num_keys], 0.0, is_causal
        )
        return out, lse
    return attend_plain(q_BHTD, k_BKSD, v_BKSD, is_causal=is_causal, mask=mask)


def _has_flash(q_BHTD: torch.Tensor) -> bool:
    """Whether the fused CUDA kernel takes these queries: 16 bits, Ampere or newer, heads of up to 256."""
    return (
        q_BHTD.is_cuda
        and q_BHTD.dtype in (torch.bfloat16, torch.float16)
        and q_BHTD.shape[-1] % _FLASH_HEAD_STEP == 0
        and q_BHTD.shape[-1] <= _FLASH_LARGEST_HEAD
        and torch.backends.cuda.is_flash_attention_available()
        and torch.cuda.get_device_capability(q_BHTD.device) >= _FLASH_CAPABILITY
    )


def attend_plain(
    q_BHTD: torch.Tensor,
    k_BKSD: torch.Tensor,
    v_BKSD: torch.Tensor,
    *,
    is_causal: bool = False,
    mask: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """``attend`` in plain tensor operations: every device and type, and the reference for the fused kernel."""
    num_groups = q_BHTD.shape[1] // k_BKSD.shape[1]
    k_BHSD, v_BHSD = k_BKSD, v_BKSD
    if num_groups > 1:
        k_BHSD, v_BHSD = (rows.repeat_interleave(num_groups, dim=1) for rows in (k_BKSD, v_BKSD))
    logits_BHTS = (q_BHTD @ k_BHSD.transpose(-1, -2)).float() / math.sqrt(q_BHTD.shape[-1])
    if mask is not None:
        logits_BHTS = logits_BHTS + mask
    if is_causal:
        hidden_TS = torch.ones(logits_BHTS.shape[-2:], dtype=torch.bool, device=q_BHTD.device).triu(1)
        logits_BHTS = logits_BHTS.masked_fill(hidden_TS, -math.inf)
    lse_BHT = logits_BHTS.logsumexp(-1)
    weights_BHTS = (logits_BHTS - lse_BHT[..., None]).exp().to(v_BHSD.dtype)
    return weights_BHTS @ v_BHSD, lse_BHT


def hide(is_hidden: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A mask for ``attend`` from booleans: minus infinity where True."""
    return torch.zeros(is_hidden.shape, dtype=dtype, device=is_hidden.device).masked_fill_(is_hidden, -math.inf)


def merge(
    out_a: torch.Tensor,
    lse_a: torch.Tensor,
    out_b: torch.Tensor,
    lse_b: torch.Tensor,
    *,
    into: torch.Tensor | None = None,
) -> torch.Tensor:
    """Attention over two disjoint sets of keys from the attention over each.

    Exact: softmax over the union weighs each part by its share of the exponentials, and
    ``exp(a) / (exp(a) + exp(b))`` is ``sigmoid(a - b)``.

    Args:
        out_a: [..., D] output over the first keys.
        lse_a: [...] its log-sum-exp.
        out_b: [..., D] output over the second keys.
        lse_b: [...] its log-sum-exp.
        into: Where the answer goes; None makes a new tensor.
    """
    share_a = torch.sigmoid(lse_a - lse_b)[..., None].to(out_a.dtype)
    return torch.lerp(out_b, out_a, share_a, out=into)
