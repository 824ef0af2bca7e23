"""The ranker that travels with the project, against transformers on the same files."""

import random
from pathlib import Path

import pytest
import torch

from models.engine.checkpoint import open_bundle
from models.engine.scoring import Prefix, encode_pack, label_logits
from models.engine.weights import load_model
from tests.engine.engine.checkpoints import load_reference, reference_logits

RANKER = Path(__file__).parents[3] / "models" / "bundles" / "ranker-tiny"


@pytest.mark.skipif(not (RANKER / "model.safetensors").exists(), reason="models/bundles/ranker-tiny is not there yet")
@pytest.mark.parametrize("prefix_tokens", [3, 16, 49])
def test_shipped_ranker_scores_equal_transformers_in_float32(prefix_tokens: int) -> None:
    """Claim: packed scores of the shipped bundle are those of transformers within 1e-5 (issue 3)."""
    bundle = open_bundle(RANKER)
    model = load_model(bundle, device=torch.device("cpu"), dtype=torch.float32)
    reference = load_reference(RANKER)
    rng = random.Random(prefix_tokens)
    vocabulary = model.shape.vocab_size
    prefix = [rng.randrange(vocabulary) for _ in range(prefix_tokens)]
    items = [[rng.randrange(vocabulary) for _ in range(rng.randint(1, 168))] for _ in range(20)]
    labels = [rng.randrange(vocabulary) for _ in range(2)]
    scores = label_logits(model, encode_pack(model, Prefix(tuple(prefix)), items), labels).softmax(-1)
    want = torch.stack([reference_logits(reference, prefix + item) for item in items])[:, labels].softmax(-1)
    assert (scores - want).abs().max() <= 1e-5
