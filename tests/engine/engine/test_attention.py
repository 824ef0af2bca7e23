"""Attention with its log-sum-exp, and the merge over disjoint keys."""

import pytest
import torch

from models.engine.attention import attend, attend_plain, merge


def random_qkv(num_keys: int, *, num_queries: int = 6, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    sizes = ((2, 4, num_queries, 8), (2, 2, num_keys, 8), (2, 2, num_keys, 8))
    return tuple(torch.randn(size, generator=generator) for size in sizes)


@pytest.mark.parametrize("is_causal", [False, True])
def test_fused_and_plain_attention_agree(is_causal: bool) -> None:
    """Claim: the kernel used on this device gives the outputs and log-sum-exps of the plain formula."""
    q, k, v = random_qkv(6)
    for fused, plain in zip(
        attend(q, k, v, is_causal=is_causal), attend_plain(q, k, v, is_causal=is_causal), strict=True
    ):
        torch.testing.assert_close(fused, plain, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("split", [1, 4, 8])
def test_merge_of_two_parts_equals_attention_over_all_keys(split: int) -> None:
    """Claim: merging is exact, wherever the keys are cut."""
    q, k, v = random_qkv(9)
    whole, _ = attend_plain(q, k, v)
    left = attend(q, k[:, :, :split], v[:, :, :split])
    right = attend(q, k[:, :, split:], v[:, :, split:])
    torch.testing.assert_close(merge(*left, *right), whole, atol=2e-6, rtol=1e-5)


def test_masked_keys_carry_no_weight() -> None:
    """Claim: a key masked with minus infinity changes nothing."""
    q, k, v = random_qkv(6, num_queries=1)
    mask = torch.zeros(2, 1, 1, 6)
    mask[..., 4:] = -torch.inf
    out, lse = attend(q, k, v, mask=mask)
    want, want_lse = attend_plain(q, k[:, :, :4], v[:, :, :4])
    torch.testing.assert_close(out, want, atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(lse, want_lse, atol=2e-6, rtol=1e-5)
