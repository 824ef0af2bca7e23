"""The words loss against numbers worked out by hand."""

import math

import pytest
import torch

from models.training.embedding_tokens.words import words_loss

EMBEDDINGS = torch.eye(4) * 2  # four words at right angles; their size is 1: 4 times 2 squared over 16 numbers


def test_one_vector_for_two_words_equals_the_formula() -> None:
    """With q = softmax(E v) both words at e^2 against two others at 1, so KL = log((2 e^2 + 2) / e^2) - log 2."""
    vectors = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
    (loss,) = words_loss(vectors, [[0, 1]], EMBEDDINGS).tolist()
    assert loss == pytest.approx(math.log((2 * math.e**2 + 2) / math.e**2) - math.log(2), abs=1e-6)


def test_vectors_share_the_words_among_them() -> None:
    """Two vectors that each say one word say both; one that says one of them leaves the other out."""
    loud = 20 * torch.eye(4)
    together, alone = words_loss(torch.stack([loud[:2], loud[[0, 0]]]), [[0, 1], [0, 1]], EMBEDDINGS)
    assert together == pytest.approx(0.0, abs=1e-4)
    assert alone > 10


def test_a_vector_that_says_nothing_is_uniform_over_the_vocabulary() -> None:
    """KL(u over 2 of 4 || uniform) = log 2; without words there is nothing to say, and no loss."""
    nothing = torch.zeros(2, 3, 4)
    assert words_loss(nothing, [[2, 3], []], EMBEDDINGS).tolist() == pytest.approx([math.log(2), 0.0], abs=1e-6)
