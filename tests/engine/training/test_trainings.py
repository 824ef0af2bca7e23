"""Both trainings from the command line's configuration to a bundle, in two steps."""

from pathlib import Path

import pytest
import torch

from models.bundle import Manifest, Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training import ranker, summarizer
from models.training.export import load_weights
from schemas.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _threads() -> None:
    torch.set_num_threads(1)


def test_the_ranker_training_writes_a_bundle_that_scores_as_its_canaries_say(tmp_path: Path) -> None:
    """Weights, tokenizer and manifest fit together, and say how they were made."""
    out = tmp_path / "ranker"
    manifest = ranker.main(
        ranker.RankerConfig(out, seed=3, threads=1, steps=2, evaluated=4, postings=240, queries=60, measured_every=1)
    )
    bundle = load_bundle(out, Role.RANKER)
    assert bundle.manifest == manifest == Manifest.model_validate_json((out / "precis.json").read_bytes())
    assert manifest.provenance["seed"] == 3
    assert {"ndcg_at_10", "bm25_ndcg_at_10", "random_ndcg_at_10", "train_loss"} <= manifest.metrics.keys()
    assert {"unseen_ndcg_at_10", "unseen_bm25_ndcg_at_10"} <= manifest.metrics.keys()
    assert [line.split(",")[0] for line in out.with_suffix(".curve.csv").read_text().splitlines()] == ["step", "1", "2"]
    prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), manifest.limits)
    model = load_weights(out)
    canary = manifest.canaries[0]
    ids = [*prompt.query_ids(canary.query), *prompt.item_ids(canary.header, canary.summary)]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids])).logits[0, -1, list(manifest.label_token_ids)]
    assert logits.softmax(0)[0].item() == pytest.approx(canary.score, abs=1e-5)


def test_a_ranker_learns_on_from_a_bundle_with_bodies(tmp_path: Path) -> None:
    """The provenance keeps where it began, and the curriculum has whole bodies."""
    first, then = tmp_path / "first", tmp_path / "then"
    sizes = {"seed": 3, "threads": 1, "steps": 1, "evaluated": 2, "postings": 240, "queries": 60, "measured_every": 1}
    before = ranker.main(ranker.RankerConfig(first, **sizes))
    after = ranker.main(ranker.RankerConfig(then, start=first, **sizes))
    assert after.provenance["start"] == {
        "revision": load_bundle(first, Role.RANKER).revision,
        "provenance": before.provenance,
    }
    assert [stage["bodies"] for stage in after.provenance["curriculum"]] == [6, 4, 3, 2]
    assert [stage["sentences"] for stage in after.provenance["curriculum"]] == [2, 6, 20, None]
    assert (then / "model.safetensors").read_bytes() != (first / "model.safetensors").read_bytes()


def test_a_ranker_of_another_tokenizer_does_not_learn_on(tmp_path: Path) -> None:
    """It would read other words than the data has: refused before anything is trained."""
    start = tmp_path / "start"
    ranker.main(ranker.RankerConfig(start, threads=1, steps=1, evaluated=2, postings=240, queries=60))
    text = (start / "tokenizer.json").read_text()
    (start / "tokenizer.json").write_text(text + "\n")
    with pytest.raises(ConfigurationError, match="another tokenizer"):
        ranker.main(ranker.RankerConfig(tmp_path / "out", threads=1, steps=1, start=start))


def test_the_summarizer_training_writes_a_bundle_and_leaves_no_checkpoint(tmp_path: Path) -> None:
    """A whole run, its manifest read back; the same seed gives the same weights again."""
    runs = []
    for name in ("first", "again"):
        config = summarizer.SummarizerConfig(
            tmp_path / name, seed=3, threads=1, steps=2, evaluated=2, postings=240, measured_every=2
        )
        manifest = summarizer.main(config)
        assert load_bundle(tmp_path / name, Role.SUMMARIZER).manifest == manifest
        assert not (tmp_path / f"{name}.checkpoint").exists()
        runs.append((tmp_path / name / "model.safetensors").read_bytes())
    assert runs[0] == runs[1]


@pytest.mark.parametrize("module", [ranker, summarizer])
def test_the_command_line_sets_seed_threads_and_steps(module: object, tmp_path: Path) -> None:
    """What is not given keeps the default of the shipped bundle."""
    config = module.parse_arguments(["--out", str(tmp_path), "--seed", "5", "--threads", "1"])
    assert (config.out, config.seed, config.threads) == (tmp_path, 5, 1)
    assert config.steps == module.parse_arguments(["--out", "x"]).steps > 100
    changed = module.parse_arguments(["--out", "x", "--matrix-rate", "0.001", "--postings", "500", "--steps", "9"])
    assert (changed.optimiser.matrix_rate, changed.postings, changed.steps) == (0.001, 500, 9)
    assert changed.optimiser.other_rate == config.optimiser.other_rate
