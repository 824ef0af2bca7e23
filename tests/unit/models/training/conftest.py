"""A small training world."""

import pytest

from models.training.corpora import TRAINING_MIX
from models.training.data import GeneratedPosting, JudgedQuery, Split, draw_judged, draw_pool


@pytest.fixture(scope="package")
def pool() -> list[GeneratedPosting]:
    return draw_pool(5, 240, Split.TRAIN, "t")


@pytest.fixture(scope="package")
def judged(pool: list[GeneratedPosting]) -> list[JudgedQuery]:
    return draw_judged(5, pool, 40, Split.TRAIN, TRAINING_MIX)
