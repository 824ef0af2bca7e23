"""The reference of the parity gate is what the bundles' canaries hold."""

import io
import json
import sys
from pathlib import Path

import pytest

from models.bundle import RankerCanary, Role, SummarizerCanary, load_bundle
from models.training.reference import main

BUNDLES = Path(__file__).parents[3] / "models" / "bundles"


def asked(monkeypatch, capsys, role, job):
    """The process's answers, through its standard streams."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(job)))
    main(["--bundle", str(BUNDLES / f"{role}-tiny")])
    return json.loads(capsys.readouterr().out)


def test_scores_are_the_canaries(monkeypatch, capsys):
    """Each pair alone, in float32."""
    manifest = load_bundle(BUNDLES / "ranker-tiny", Role.RANKER).manifest
    canaries = [canary for canary in manifest.canaries if isinstance(canary, RankerCanary)]
    job = {"pairs": [[canary.query_ids, canary.item_ids] for canary in canaries], "labels": manifest.label_token_ids}
    scores = asked(monkeypatch, capsys, "ranker", job)["scores"]
    assert scores == pytest.approx([canary.score for canary in canaries], abs=1e-5)


def test_outputs_are_the_canaries(monkeypatch, capsys):
    """Greedy, to the end token."""
    manifest = load_bundle(BUNDLES / "summarizer-tiny", Role.SUMMARIZER).manifest
    canaries = [canary for canary in manifest.canaries if isinstance(canary, SummarizerCanary)]
    prompts = [canary.prompt_ids for canary in canaries]
    job = {"prompts": prompts, "eos": 1, "max_tokens": manifest.limits.summary}
    outputs = asked(monkeypatch, capsys, "summarizer", job)["outputs"]
    assert outputs == [list(canary.output_ids) for canary in canaries]
