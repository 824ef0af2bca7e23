"""Summaries by the local engine."""

from pathlib import Path

import torch

from models.bundle import Role, load_bundle
from models.training.export import load_weights
from models.training.generation import greedy
from models.training.report.writer import write_greedily

BUNDLE = load_bundle(Path(__file__).parents[4] / "models/bundles/summarizer-tiny", Role.SUMMARIZER)


def test_they_are_those_of_transformers():
    """In the order of the prompts, whichever is done first; cut at the longest."""
    prompts = [list(canary.prompt_ids) for canary in BUNDLE.manifest.canaries]
    prompts += [[prompts[0][0], *prompts[0][1:40], prompts[0][-1]]]
    found = write_greedily(BUNDLE, prompts, 1, 24, torch.float32)
    assert found == greedy(load_weights(BUNDLE.path), prompts, 1, 24)
    assert max(map(len, found)) == 24
    assert write_greedily(BUNDLE, [], 1, 24, torch.float32) == []
