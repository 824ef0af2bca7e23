"""Golden numbers of pooling."""

import numpy as np

from models.labels.teachers.weights import TEACHERS, Pooling
from models.training.teachers.pooling import pooled

STATES_TD = np.array([[3.0, 4.0], [1.0, 0.0], [-1.0, 2.0]], dtype=np.float32)


def test_the_mean_of_all_tokens_at_length_one():
    """(3, 6) / 3 = (1, 2), over its length, the root of 5."""
    np.testing.assert_allclose(pooled(STATES_TD, Pooling.MEAN), [0.4472136, 0.8944272], rtol=1e-6)


def test_the_first_token_at_length_one():
    """(3, 4) over 5."""
    np.testing.assert_allclose(pooled(STATES_TD, Pooling.CLS), [0.6, 0.8], rtol=1e-6)


def test_each_model_is_asked_as_its_card_says():
    """Prompts, to the blank, and pooling."""
    assert [(each.name, each.pooling, each.query_prompt, each.passage_prompt) for each in TEACHERS] == [
        ("e5-small-v2", "mean", "query: ", "passage: "),
        ("bge-small-en-v1.5", "cls", "Represent this sentence for searching relevant passages: ", ""),
    ]
