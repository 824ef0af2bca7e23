"""Random bundles: the tiny shape whole, the large shapes by their numbers."""

import statistics
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import Qwen3Config, Qwen3ForCausalLM

from models.bundle import RankerCanary, Role, SummarizerCanary, load_bundle
from models.engine.checkpoint import open_bundle
from models.engine.weights import load_model
from models.training.export import load_weights
from models.training.random_bundle import SHAPES, RandomConfig, main, qwen3_config


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random") / "ranker"
    main(RandomConfig(folder, "tiny", Role.RANKER, seed=3))
    return folder


@pytest.fixture(scope="module")
def summarizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random") / "summarizer"
    main(RandomConfig(folder, "tiny", Role.SUMMARIZER, seed=3))
    return folder


def test_the_scores_of_its_canaries_spread(ranker: Path) -> None:
    """Scores near 0.5 would hide an engine that does not read the items."""
    canaries = load_bundle(ranker, Role.RANKER).manifest.canaries
    scores = [canary.score for canary in canaries if isinstance(canary, RankerCanary)]
    assert len(scores) == 8
    assert statistics.pstdev(scores) > 0.1


def test_its_texts_are_words_of_its_tokenizer(summarizer: Path) -> None:
    """Rows of the embedding that no token has are never chosen; a canary without text would check nothing."""
    canaries = load_bundle(summarizer, Role.SUMMARIZER).manifest.canaries
    assert len(canaries) == 3
    for canary in canaries:
        assert isinstance(canary, SummarizerCanary)
        assert canary.text
        assert len(set(canary.output_ids)) > 3


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(ranker: Path, tmp_path: Path) -> None:
    """A measurement can be repeated elsewhere."""
    main(RandomConfig(tmp_path / "again", "tiny", Role.RANKER, seed=3))
    main(RandomConfig(tmp_path / "other", "tiny", Role.RANKER, seed=4))
    revision = load_bundle(ranker, Role.RANKER).revision
    assert load_bundle(tmp_path / "again", Role.RANKER).revision == revision
    assert load_bundle(tmp_path / "other", Role.RANKER).revision != revision


def test_transformers_and_the_local_engine_load_all_of_it(ranker: Path) -> None:
    """Stored in bfloat16, every weight where it belongs."""
    with safe_open(ranker / "model.safetensors", framework="pt") as stored:
        names = set(stored.keys())
        assert {stored.get_tensor(name).dtype for name in names} == {torch.bfloat16}
    model = load_weights(ranker)
    assert names == {name for name, _ in model.named_parameters()}
    load_model(open_bundle(ranker), device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.parametrize(("name", "parameters"), [("qwen3-0.6b", 596_049_920), ("qwen3-1.7b", 1_720_574_976)])
def test_large_shapes_have_the_size_of_the_model_they_are_named_for(name: str, parameters: int) -> None:
    """As the published checkpoints count; nothing is allocated."""
    config = qwen3_config(SHAPES[name])
    assert isinstance(config, Qwen3Config)
    with torch.device("meta"):
        model = Qwen3ForCausalLM(config)
    assert sum(weight.numel() for weight in model.parameters()) == parameters
    assert config.vocab_size == 151_936
