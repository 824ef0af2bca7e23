"""The naive batch that engines are compared with."""

from pathlib import Path

import pytest
import torch

from models.bundle import RankerCanary, Role, load_bundle
from models.training.plain_server import PlainRanker

BUNDLE = Path(__file__).parents[3] / "models" / "bundles" / "ranker-tiny"


def test_a_padded_batch_scores_as_each_prompt_alone() -> None:
    """Claim: items of different lengths beside one query score as the bundle's canaries, which were scored alone."""
    manifest = load_bundle(BUNDLE, Role.RANKER).manifest
    canaries = [canary for canary in manifest.canaries if isinstance(canary, RankerCanary)]
    ranker = PlainRanker(BUNDLE, torch.float32)
    # One empty query: each item is a whole prompt, so all canaries go in one batch.
    prompts = [[*canary.query_ids, *canary.item_ids] for canary in canaries]
    assert len({len(prompt) for prompt in prompts}) > 1
    scores = ranker.score([], prompts, manifest.label_token_ids)
    assert [row[0] for row in scores] == pytest.approx([canary.score for canary in canaries], abs=1e-5)
    assert [sum(row) for row in scores] == pytest.approx([1.0] * len(canaries))
