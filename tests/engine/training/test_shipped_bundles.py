"""The bundles in the repository, loaded by transformers as any engine would load them."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from models.bundle import Bundle, Role, load_bundle
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from models.training.export import load_weights
from models.training.generation import greedy

BUNDLES = Path(__file__).parents[3] / "models" / "bundles"


@pytest.fixture(scope="module")
def ranker() -> Bundle:
    return load_bundle(BUNDLES / "ranker-tiny", Role.RANKER)


@pytest.fixture(scope="module")
def summarizer() -> Bundle:
    return load_bundle(BUNDLES / "summarizer-tiny", Role.SUMMARIZER)


def test_ranker_canaries_reproduce_from_raw_text(ranker: Bundle) -> None:
    """Raw text gives the token ids, and the ids give the score in float32 by the full head."""
    text = TextTokenizer.from_file(ranker.tokenizer_file)
    prompt, model = RankerPrompt(text, ranker.manifest.limits), load_weights(ranker.path)
    assert ranker.manifest.canaries
    assert ranker.manifest.label_token_ids == prompt.label_token_ids
    for canary in ranker.manifest.canaries:
        query_ids, item_ids = prompt.query_ids(canary.query), prompt.item_ids(canary.header, canary.summary)
        assert (tuple(query_ids), tuple(item_ids)) == (canary.query_ids, canary.item_ids)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*query_ids, *item_ids]])).logits[0, -1]
        score = logits[list(prompt.label_token_ids)].softmax(0)[0].item()
        assert score == pytest.approx(canary.score, abs=1e-5)


def test_ranker_canaries_tell_relevant_from_irrelevant(ranker: Bundle) -> None:
    """Canaries come in pairs, the best candidate and the worst: the scores are apart, so a broken engine shows."""
    scores = [canary.score for canary in ranker.manifest.canaries]
    gaps = [best - worst for best, worst in zip(scores[::2], scores[1::2], strict=True)]
    assert min(gaps) > 0.05
    assert sum(gaps) / len(gaps) > 0.25


def test_summarizer_canaries_reproduce_from_raw_text(summarizer: Bundle) -> None:
    """Raw text gives the prompt ids, greedy decoding the same output ids and text."""
    text = TextTokenizer.from_file(summarizer.tokenizer_file)
    prompt, model = SummarizerPrompt(text, summarizer.manifest.limits), load_weights(summarizer.path)
    assert summarizer.manifest.canaries
    for canary in summarizer.manifest.canaries:
        ids = prompt.prompt_ids(canary.body)
        assert tuple(ids) == canary.prompt_ids
        output = greedy(model, [ids], prompt.stop_token_ids[0], prompt.max_output_tokens, batch=1)[0]
        assert tuple(output) == canary.output_ids
        assert prompt.summary(text.decode(output)) == canary.text
        assert canary.text


@pytest.mark.parametrize("name", ["ranker-tiny", "summarizer-tiny"])
def test_weights_are_stored_in_bfloat16_with_tied_embeddings(name: str) -> None:
    """A few megabytes, small enough for git."""
    path = BUNDLES / name / "model.safetensors"
    with safe_open(path, framework="pt") as weights:
        assert {weights.get_tensor(key).dtype for key in weights.keys()} == {torch.bfloat16}  # noqa: SIM118 (no mapping)
        assert "lm_head.weight" not in weights.keys()  # noqa: SIM118
    assert path.stat().st_size < 10_000_000


def test_manifests_say_how_the_models_were_made_and_measured(ranker: Bundle, summarizer: Bundle) -> None:
    """Seed, steps, data hash and held-out figures; the ranker clearly above chance."""
    for bundle in (ranker, summarizer):
        assert {"command", "seed", "steps", "threads", "data_sha256", "versions"} <= bundle.manifest.provenance.keys()
    metrics = ranker.manifest.metrics
    assert metrics["ndcg_at_10"] >= metrics["random_ndcg_at_10"] + 0.15
    assert summarizer.manifest.metrics["empty_share"] == 0
