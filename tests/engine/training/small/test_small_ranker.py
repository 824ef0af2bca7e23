"""The training of the small ranker end to end, on a tiny Llama: what comes out is an adapter that makes a bundle."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from models.bundle import Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.export import load_weights
from models.training.reference import score_alone
from models.training.small.adapter import adapter_digest
from models.training.small.bundles import write_bundle
from models.training.small.ranker import SmallRankerConfig, main, parse_arguments
from models.training.small.running import RunConfig
from tests.engine.training.small.letters import LetterEncoder
from tests.engine.training.small.packages import marked_package, write_base

pytestmark = [pytest.mark.training, pytest.mark.shared_data]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Of a tiny Llama."""
    folder = tmp_path_factory.mktemp("package")
    return write_base(marked_package(folder), folder)


@pytest.fixture
def config(base, tmp_path, material):
    """Two steps."""
    return SmallRankerConfig(
        out=tmp_path / "ranker-any",
        base=base,
        material=material,
        layers=1,
        run=RunConfig(steps=2, rank=8, threads=1, measured_every=1),
    )


def test_the_adapter_makes_a_bundle_whose_canaries_hold(config, tmp_path):
    """Canaries are of the merged weights as stored, so what `merge` writes answers them exactly."""
    manifest = main(config)
    write_bundle(config.base, config.out, tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle", Role.RANKER)
    assert bundle.manifest == manifest
    model, prompt = (
        load_weights(bundle.path),
        RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), manifest.limits),
    )
    assert len(manifest.canaries) == 8
    for canary in manifest.canaries:
        assert prompt.query_ids(canary.query) == list(canary.query_ids)
        assert prompt.item_ids(canary.header, canary.summary) == list(canary.item_ids)
        score = score_alone(model, canary.query_ids, canary.item_ids, manifest.label_token_ids)
        assert score == pytest.approx(canary.score, abs=1e-6)
    stored = load_file(config.out / "adapter_model.safetensors")
    assert any(tensor.count_nonzero() for name, tensor in stored.items() if "lora_B" in name), "it learnt something"
    assert not config.out.with_suffix(".checkpoint").exists()
    assert len(config.out.with_suffix(".curve.csv").read_text().splitlines()) == 3
    assert str(config.base) not in (config.out / "precis.json").read_text()


def test_the_same_seed_gives_the_same_adapter(config, tmp_path):
    """Bytes of both files."""
    weights = []
    for name in ("one", "two"):
        main(replace(config, out=tmp_path / name))
        weights.append(load_file(tmp_path / name / "adapter_model.safetensors"))
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_training_goes_on_from_an_adapter_and_learns_from_teachers(config, tmp_path, monkeypatch):
    """Both are in the provenance, and both change what is learnt."""
    monkeypatch.setattr("models.training.small.material.Encoder", lambda teacher, folder: LetterEncoder())
    first = main(config)
    taught = replace(config.material, teachers=tmp_path)
    further = replace(config, out=tmp_path / "further", start=config.out, material=taught)
    manifest = main(further)
    before = {"sha256": adapter_digest(config.out), "provenance": first.provenance}
    assert manifest.provenance["start"] == before
    assert len(manifest.provenance["teachers"]) == 2
    alone = main(replace(further, out=tmp_path / "alone", material=config.material))
    assert alone.provenance["start"] == before
    assert len({adapter_digest(tmp_path / name) for name in ("ranker-any", "further", "alone")}) == 3


def test_the_command_line_names_every_number(tmp_path):
    """What is not said has the default of the shipped run."""
    config = parse_arguments(["--out", "o", "--base", "b", "--steps", "3", "--rate", "0.5", "--compile", "--ads", "9"])
    defaults = SmallRankerConfig(out=tmp_path, base=tmp_path)
    optimiser = replace(defaults.run.optimiser, other_rate=0.5)
    assert config.run == replace(defaults.run, steps=3, is_compiled=True, optimiser=optimiser)
    assert config.material == replace(defaults.material, ads=9)
    assert (config.layers, config.start) == (defaults.layers, None)
