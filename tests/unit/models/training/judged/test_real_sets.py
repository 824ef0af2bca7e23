"""The judged sets out of the evaluation data beside the checkout."""

from collections import Counter
from pathlib import Path

import pytest

from models.training.judged import Ranking, ads_set, find_evaluation_data, melo_set
from schemas.errors import ConfigurationError


def test_missing_files_are_named_with_the_remedy(tmp_path: Path) -> None:
    """Whoever lacks the data learns which, and how to go on."""
    (tmp_path / "melo.jsonl.gz").touch()
    with pytest.raises(ConfigurationError, match=r"lack emscad.*usajobs.*--judged-data"):
        find_evaluation_data(tmp_path)


def test_a_ranking_without_a_relevant_candidate_is_refused() -> None:
    """It would count zero whatever the ranker does."""
    with pytest.raises(ValueError, match="one of them positive"):
        Ranking("query", ("a", "b"), (0, 0))


@pytest.mark.shared_data
def test_real_ads_make_graded_rankings(shared_data: Path) -> None:
    """Hundreds of ads and 150 queries: each has a full answer, and every wording and most kinds of wish occur."""
    judged = ads_set(find_evaluation_data(shared_data))
    assert len(judged.items) > 400
    assert len({ranking.query for ranking in judged.rankings}) == 150
    assert all(4 in ranking.grades and 0 in ranking.grades for ranking in judged.rankings)
    assert all(len(set(ranking.keys)) == len(ranking.keys) <= 24 for ranking in judged.rankings)
    slices = Counter(name for ranking in judged.rankings for name in ranking.slices)
    assert {"wording: own title", "wording: O*NET alternate title", "wording: ESCO title"} <= slices.keys()
    assert {"place", "pay", "grade", "degree", "level"} <= slices.keys()
    taught = [count for name, count in slices.items() if name.startswith("occupation: ")]
    assert len(taught) == 2
    assert min(taught) > 30
    assert sum(taught) == 150


@pytest.mark.shared_data
def test_melo_makes_binary_rankings(shared_data: Path) -> None:
    """A hundred queries with up to 24 titles."""
    judged = melo_set(find_evaluation_data(shared_data))
    assert len(judged.rankings) == 100
    assert {grade for ranking in judged.rankings for grade in ranking.grades} == {0, 1}
    assert all(any(ranking.grades) and len(ranking.keys) <= 24 for ranking in judged.rankings)
