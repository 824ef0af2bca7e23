"""The set of titles, on rows made by hand."""

from random import Random

from models.training.judged.melo import hard_negatives, melo_rankings

TEXTS = {
    "d0": "head baker",
    "d1": "pastry cook",
    "d2": "baker of bread",
    "d3": "bread seller",
    "d4": "welder",
    "d5": "head of sales",
}
ROWS = [
    {"type": "query", "id": "q", "text": "Head Baker", "relevant": ["d0", "d1"]},
    *({"type": "doc", "id": key, "text": text, "esco_uri": key} for key, text in TEXTS.items()),
]


def test_hard_negatives_are_the_best_of_bm25_that_are_not_relevant() -> None:
    """Titles that share words, best first; relevant ones and those that share nothing are never among them."""
    (found,) = hard_negatives(TEXTS, [("Head Baker", ["d0", "d1"])])
    assert found == ["d2", "d5"]
    assert hard_negatives(TEXTS, [("Head Baker", ["d0"])], num=1) == [["d2"]]


def test_candidates_are_relevant_hard_and_random_titles_without_repetition() -> None:
    """The relevant ones have grade 1, all others 0."""
    items, (ranking,) = melo_rankings(Random(1), ROWS, 5)
    grades = dict(zip(ranking.keys, ranking.grades, strict=True))
    assert grades == {"d0": 1, "d1": 1, "d2": 0, "d3": 0, "d4": 0, "d5": 0}
    assert items["d1"].facts.title == "pastry cook"
    assert items["d1"].words() == "pastry cook"


def test_at_most_six_relevant_titles_are_sampled() -> None:
    """And what is relevant but was not sampled is no candidate at all."""
    relevant = [f"r{place}" for place in range(9)]
    rows = [
        {"type": "query", "id": "q", "text": "oven hand", "relevant": relevant},
        *({"type": "doc", "id": key, "text": f"oven {key}", "esco_uri": key} for key in [*relevant, "other"]),
    ]
    _, (ranking,) = melo_rankings(Random(1), rows, 1)
    assert sorted(ranking.grades) == [0, 1, 1, 1, 1, 1, 1]
    assert "other" in ranking.keys
