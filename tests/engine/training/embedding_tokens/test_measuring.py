"""What is measured is what was trained: the engine's answers to vectors are those of transformers."""

import pytest
import torch
from transformers import Qwen3ForCausalLM

from models.bundle import Bundle
from models.prompts import RankerPrompt, TextTokenizer, normalise_query
from models.training.corpora import evaluation_corpus
from models.training.embedding_tokens.encoder import Encoder
from models.training.embedding_tokens.measuring import Bench, item_with_vectors
from models.training.embedding_tokens.mixed import mixed_batch, mixed_logits
from models.training.embedding_tokens.points import Point, Reads
from models.training.judged import JudgedSet
from models.training.report.scorer import Scorer
from models.training.report.worlds import generated_set, trimmed


@pytest.fixture(scope="module")
def judged() -> JudgedSet:
    return trimmed(generated_set(evaluation_corpus(2)), 2, most_candidates=4)


def _bodies(judged: JudgedSet) -> dict[str, str]:
    return {key: item.body for key, item in judged.items.items()}


def test_the_engine_ranks_vectors_as_transformers_does(
    bundle: Bundle, ranker: Qwen3ForCausalLM, encoder: Encoder, judged: JudgedSet
) -> None:
    """Through the overrides of served requests, prefix apart and packed: the same scores, so the same NDCG."""
    scorer, labels = Scorer(bundle, ranker), bundle.manifest.label_token_ids
    prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)
    bare = {key: prompt.item_ids(scorer.header(item), "") for key, item in judged.items.items()}
    bench = Bench(bundle, judged)
    encoded = bench.encoded(encoder, _bodies(judged))
    served = {key: item_with_vectors(bare[key], vectors[:3]) for key, vectors in encoded.items()}
    found = scorer.rank_prompts(judged, served)
    for ranking, scores in zip(judged.rankings, found.scores, strict=True):
        query = prompt.query_ids(normalise_query(ranking.query))
        batch = mixed_batch([(query, bare[key]) for key in ranking.keys], 3)
        with torch.inference_mode():
            logits = mixed_logits(ranker, batch, torch.stack([encoded[key][:3] for key in ranking.keys]), labels)
        assert scores == pytest.approx(logits.softmax(dim=1)[:, 0].tolist(), abs=1e-4)
    own = bench.vectors(encoded, 3)
    assert own == Point(Reads.VECTORS, 3, 3.0, 3 * 256 * 2, found.ndcg)


def test_strange_vectors_are_those_of_another_item(bundle: Bundle, encoder: Encoder, judged: JudgedSet) -> None:
    """Each item gets its neighbour's, the first the last one's: a set in which all items are one changes nothing."""
    bench = Bench(bundle, judged)
    encoded = bench.encoded(encoder, _bodies(judged))
    first = next(iter(encoded.values()))
    same = dict.fromkeys(encoded, first)
    assert bench.strange_vectors(same, 2).ndcg == bench.vectors(same, 2).ndcg
    turned = dict(zip(encoded, [*list(encoded.values())[1:], first], strict=True))
    assert bench.strange_vectors(turned, 2).ndcg == bench.vectors(encoded, 2).ndcg


def test_texts_are_cut_to_so_many_tokens(bundle: Bundle, judged: JudgedSet) -> None:
    """All of a shorter text, none of nothing, and bodies as long as the bundle's limit lets them be."""
    bench, bodies = Bench(bundle, judged), _bodies(judged)
    assert bench.text(Reads.LEAD, bodies, 5).tokens == 5
    assert bench.text(Reads.NOTHING, dict.fromkeys(bodies, "")).tokens == 0
    assert bench.text(Reads.TARGET, dict.fromkeys(bodies, "night shifts"), 90).tokens < 10
    whole = bench.text(Reads.BODY, bodies)
    assert (whole.limit, whole.tokens) == (None, bench.body_tokens)
    assert whole.stored_bytes == pytest.approx(
        sum(len(body.encode()) for body in bodies.values()) / len(bodies), rel=0.02
    )
