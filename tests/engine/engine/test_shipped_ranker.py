"""The ranker that travels with the project, against transformers on the same files."""

import random
from pathlib import Path

import pytest
import torch

from models.bundle import RankerCanary, Role, load_bundle
from models.engine.checkpoint import open_bundle
from models.engine.jobs import Prompt
from models.engine.scoring import Group, Prefix, encode_pass, label_logits
from models.engine.weights import load_model
from tests.engine.engine.checkpoints import load_reference, reference_logits

RANKER = Path(__file__).parents[3] / "models" / "bundles" / "ranker-tiny"
MANIFEST = load_bundle(RANKER, Role.RANKER).manifest
LABELS = list(MANIFEST.label_token_ids)


@pytest.fixture(scope="module")
def model():
    """The shipped weights in the local engine, float32."""
    return load_model(open_bundle(RANKER), device=torch.device("cpu"), dtype=torch.float32)


def scores(model, prefix, items):
    """[N] softmax over the labels, first label."""
    group = Group(Prefix(Prompt(tuple(prefix))), [Prompt(tuple(item)) for item in items])
    return label_logits(model, encode_pass(model, [group]), LABELS).softmax(-1)[:, 0]


@pytest.mark.parametrize("prefix_tokens", [3, 16, 49])
def test_shipped_ranker_scores_equal_transformers_in_float32(model, prefix_tokens):
    """Packed scores of the shipped bundle are those of transformers within 1e-5, for any token ids."""
    reference = load_reference(RANKER)
    rng = random.Random(prefix_tokens)
    vocabulary = model.shape.vocab_size
    prefix = [rng.randrange(vocabulary) for _ in range(prefix_tokens)]
    items = [[rng.randrange(vocabulary) for _ in range(rng.randint(1, 168))] for _ in range(20)]
    logits = torch.stack([reference_logits(reference, prefix + item) for item in items])
    expected = logits[:, LABELS].softmax(-1)[:, 0]
    assert (scores(model, prefix, items) - expected).abs().max() <= 1e-5


def test_shipped_ranker_gives_its_canaries_scores(model):
    """What services check before they are ready holds within 1e-5."""
    canaries = [canary for canary in MANIFEST.canaries if isinstance(canary, RankerCanary)]
    assert len(canaries) >= 3
    for canary in canaries:
        (score,) = scores(model, canary.query_ids, [list(canary.item_ids)])
        assert abs(float(score) - canary.score) <= 1e-5
