"""What is tried before a GPU's fast path serves, run on the CPU."""

from collections.abc import Callable
from functools import partial

import pytest
import torch

from models.engine.backend import choose_backend
from models.engine.config import CPU_BATCH_TOKENS, CUDA_BATCH_TOKENS, Limits
from models.engine.cuda.check import difference
from models.engine.cuda.decoding import GraphedDecodeBatch
from models.engine.cuda.graphs import run_each_time
from models.engine.cuda.layers import AS_THEY_ARE
from models.engine.cuda.scoring import PackedScorer
from models.engine.cuda.weights import join_layers
from models.engine.decoding import DecodeBatch
from models.engine.layers import Model

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")


def parts_of(model: Model) -> tuple[Model, PackedScorer, Callable]:
    model, joined = join_layers(model)
    options = {"joined": joined, "kernels": AS_THEY_ARE, "record": run_each_time}
    scorer = PackedScorer(model, max_rows=2048, **options)
    return model, scorer, partial(GraphedDecodeBatch, **options)


def test_parts_that_are_right_pass(plain: Callable) -> None:
    """Claim: rounding is no difference."""
    model, scorer, new_batch = parts_of(plain("gqa2"))
    assert difference(model, scorer.encode_pass, new_batch) is None


@pytest.mark.parametrize("spoil", [lambda hidden: hidden.roll(1, 0), lambda hidden: hidden * torch.nan])
def test_wrong_scoring_is_found(plain: Callable, spoil: Callable) -> None:
    """Claim: states of other items, or no numbers, are a difference, and the message says how large."""
    model, scorer, new_batch = parts_of(plain("gqa2"))
    assert "allowed" in difference(model, lambda groups: spoil(scorer.encode_pass(groups)), new_batch)


def test_wrong_decoding_is_found(plain: Callable) -> None:
    """Claim: a decode batch that goes wrong only at its fourth step is found."""
    model, scorer, _ = parts_of(plain("gqa2"))

    class Forgetful(DecodeBatch):
        def step(self, tokens):
            hidden = super().step(tokens)
            return hidden.flip(0) if min(self._lengths) >= 6 else hidden

    assert "allowed" in difference(model, scorer.encode_pass, Forgetful)


@pytest.mark.parametrize("kernels", ["auto", "compiled", "plain"])
def test_the_cpu_is_always_plain(plain: Callable, kernels: str) -> None:
    """Claim: whatever is asked for, the CPU computes with the plain functions."""
    backend = choose_backend(plain("gqa2"), max_rows=128, kernels=kernels)
    assert (backend.kernels, backend.new_decode_batch) == ("plain", DecodeBatch)


def test_the_rows_of_a_pass_depend_on_the_device_unless_they_are_given() -> None:
    """Claim: the flag decides; without it a GPU takes more."""
    assert Limits().batch_tokens("cpu") == CPU_BATCH_TOKENS
    assert Limits().batch_tokens("cuda") == CUDA_BATCH_TOKENS
    assert Limits(max_batch_tokens=7).batch_tokens("cuda") == 7
