"""An item's vectors: their prefixes, what they depend on, and how they reach the ranker."""

import pytest
import torch
from transformers import Qwen3ForCausalLM

from models.bundle import Bundle
from models.training.batches import padded
from models.training.embedding_tokens.encoder import Encoder, encoder_of
from models.training.embedding_tokens.mixed import mixed_batch, mixed_logits
from models.training.embedding_tokens.places import PLACEHOLDER
from models.training.examples import Example
from models.training.losses import label_logits

SHORT, LONG = [4, 30, 31, 32], [4, 40, 41, 42, 43, 44, 45, 46, 47]
QUERY, HEADER = [2, 50, 51], [3, 60, 61, 62, 4]


def test_the_first_vectors_are_the_same_however_many_are_asked_for(encoder: Encoder) -> None:
    """So one pass serves every k, and a store that keeps K serves any budget."""
    with torch.inference_mode():
        whole = encoder([SHORT, LONG], 4)
        for k in (1, 2, 3):
            assert torch.allclose(encoder([SHORT, LONG], k), whole[:, :k], atol=1e-5)
    assert (whole[:, 0] - whole[:, 1]).abs().max() > 1e-3, "a test on equal vectors proves nothing"


def test_vectors_depend_on_the_whole_item_and_on_no_neighbour_in_the_batch(encoder: Encoder) -> None:
    """Neither padding nor company changes them; any token of the item does."""
    with torch.inference_mode():
        together = encoder([SHORT, LONG], 2)
        alone = torch.cat([encoder([SHORT], 2), encoder([LONG], 2)])
        assert torch.allclose(together, alone, atol=1e-5)
        for place in range(len(LONG)):
            other = [*LONG[:place], 99, *LONG[place + 1 :]]
            assert (encoder([other], 2) - alone[1]).abs().max() > 1e-4


def test_vectors_begin_no_louder_than_words(ranker: Qwen3ForCausalLM, encoder: Encoder) -> None:
    """An untrained vector neither drowns the prompt nor vanishes in it; the same seed gives the same encoder."""
    with torch.inference_mode():
        vectors = encoder([LONG], 4)
    embedded = ranker.model.embed_tokens.weight
    size = vectors.square().mean().sqrt() / embedded.square().mean().sqrt()
    assert 0.25 < size < 1.3
    again = encoder_of(ranker, 4, seed=3)
    assert all(torch.equal(one, two) for one, two in zip(encoder.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize("num_vectors", [0, 5])
def test_a_number_of_vectors_that_there_is_not_is_refused(encoder: Encoder, num_vectors: int) -> None:
    """Between 1 and K."""
    with pytest.raises(ValueError, match="gives 1 to 4"):
        encoder([SHORT], num_vectors)


def test_token_embeddings_as_vectors_score_as_the_tokens(bundle: Bundle, ranker: Qwen3ForCausalLM) -> None:
    """Vectors stand exactly where the summary's tokens stand: given their embeddings the answer is the text's."""
    text, labels = [70, 71, 72], bundle.manifest.label_token_ids
    prompts = [Example(query, [*HEADER[:-1], *text, HEADER[-1]]) for query in (QUERY, QUERY[:2])]
    batch, mixed = padded(prompts), mixed_batch([(QUERY, HEADER), (QUERY[:2], HEADER)], 3)
    assert (mixed.ids == PLACEHOLDER).sum() == 3 + 3 + 1  # two items, and the padding of the shorter prompt
    with torch.inference_mode():
        vectors = ranker.model.embed_tokens(torch.tensor(text)).expand(2, -1, -1)
        found = mixed_logits(ranker, mixed, vectors, labels)
        hidden = ranker.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        expected = label_logits(ranker, hidden, batch.last, labels)
    assert torch.allclose(found, expected, atol=1e-5)
