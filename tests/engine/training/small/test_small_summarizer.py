"""The training of the small summarizer end to end, on a tiny Llama: its adapter makes a bundle."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from models.bundle import Role, load_bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.export import load_weights
from models.training.generation import greedy
from models.training.small.bundles import write_bundle
from models.training.small.running import RunConfig
from models.training.small.summarizer import SmallSummarizerConfig, main, parse_arguments
from tests.engine.training.small.packages import marked_package, write_base

pytestmark = [pytest.mark.training, pytest.mark.shared_data]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Of a tiny Llama."""
    folder = tmp_path_factory.mktemp("package")
    return write_base(marked_package(folder), folder)


@pytest.fixture(scope="module")
def config(base, tmp_path_factory, shared_data):
    """Two steps."""
    return SmallSummarizerConfig(
        out=tmp_path_factory.mktemp("trained") / "summarizer-any",
        base=base,
        layers=1,
        judged_data=shared_data,
        postings=40,
        evaluated=2,
        run=RunConfig(steps=2, rank=4, threads=1, measured_every=1),
    )


@pytest.fixture(scope="module")
def manifest(config):
    """Of the run."""
    return main(config)


def test_the_adapter_makes_a_bundle_whose_canaries_hold(config, manifest, tmp_path):
    """An extractive summarizer: greedy answers of the merged weights are those of the manifest."""
    write_bundle(config.base, config.out, tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle", Role.SUMMARIZER)
    assert bundle.manifest == manifest
    assert manifest.is_extractive
    prompt = SummarizerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), manifest.limits)
    model = load_weights(bundle.path)
    for canary in manifest.canaries:
        assert prompt.prompt_ids(canary.body) == list(canary.prompt_ids)
        ids = greedy(model, [canary.prompt_ids], prompt.stop_token_ids[0], prompt.max_output_tokens, batch=1)[0]
        assert tuple(ids) == canary.output_ids
    stored = load_file(config.out / "adapter_model.safetensors")
    assert any(tensor.count_nonzero() for name, tensor in stored.items() if "lora_B" in name), "it learnt something"
    assert len(config.out.with_suffix(".curve.csv").read_text().splitlines()) == 3
    assert {"development_loss", "train_loss", "fact_recall"} <= manifest.metrics.keys()


def test_the_same_seed_gives_the_same_adapter_and_another_start_another_one(config, manifest, tmp_path):
    """What it went on from is in the provenance."""
    again = replace(config, out=tmp_path / "again")
    assert main(again).provenance == manifest.provenance
    first, second = (load_file(each.out / "adapter_model.safetensors") for each in (config, again))
    assert all(torch.equal(first[name], second[name]) for name in first)
    further = main(replace(config, out=tmp_path / "further", start=config.out))
    assert further.provenance["start"]["provenance"] == manifest.provenance


def test_the_command_line_says_how_it_goes(tmp_path):
    """Options of the recipe and of the run."""
    config = parse_arguments(["--out", "o", "--base", "b", "--steps", "5", "--layers", "3", "--compile"])
    assert (config.run.steps, config.layers, config.run.is_compiled) == (5, 3, True)
