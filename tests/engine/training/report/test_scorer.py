"""Rankings by the local engine, against transformers."""

from pathlib import Path

import pytest

from models.bundle import Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer, normalise_query
from models.training.export import load_weights
from models.training.judged import Item, JudgedSet, Ranking
from models.training.pruning.surgery import drop_layers
from models.training.reference import score_alone
from models.training.report.scorer import Scorer
from schemas.posting import Facts

BUNDLE = load_bundle(Path(__file__).parents[4] / "models/bundles/ranker-tiny", Role.RANKER)


def _item(key: str, title: str, body: str) -> Item:
    return Item(
        key,
        Facts(
            title,
            "Org",
            ("Leeds",),
            is_remote=False,
            employment_types=(),
            requirements=(),
            pay="",
            date_posted="",
            skills=(),
        ),
        body,
    )


BODIES = {"a": "Night shifts. " * 3, "b": "Weekends off. " * 150, "c": "A forklift licence. " * 40, "d": "Team of 9."}
SET = JudgedSet(
    "small",
    "small",
    {
        key: _item(key, title, BODIES[key])
        for key, title in zip("abcd", ("Baker", "Nurse", "Welder", "Cook"), strict=True)
    },
    [
        Ranking("Baker nights", ("a", "b", "c", "d"), (4, 0, 0, 1)),
        Ranking("welder with forklift licence", ("c", "d"), (4, 0)),
    ],
    is_real=True,
)


def _expected(model, ranking):
    """Each pair alone, by transformers in float32, whole bodies included."""
    limits = BUNDLE.manifest.limits
    prompt = RankerPrompt(
        TextTokenizer.from_file(BUNDLE.tokenizer_file), limits.model_copy(update={"summary": limits.body})
    )
    return [
        score_alone(
            model,
            prompt.query_ids(normalise_query(ranking.query)),
            prompt.item_ids(f"{SET.items[key].facts.title} | Org | Leeds", BODIES[key]),
            prompt.label_token_ids,
        )
        for key in ranking.keys
    ]


@pytest.mark.parametrize("dropped", [(), (1,)])
def test_scores_are_those_of_transformers(dropped, monkeypatch):
    """Of the bundle's model and of a changed one, in one pass or in several."""
    model = load_weights(BUNDLE.path)
    drop_layers(model, dropped)
    scorer = Scorer(BUNDLE, model)
    found = scorer.rank(SET, BODIES)
    for ranking, scores in zip(SET.rankings, found.scores, strict=True):
        assert scores == pytest.approx(_expected(model, ranking), abs=1e-4)
    monkeypatch.setattr("models.training.report.scorer._ROWS_OF_A_PASS", 64)
    assert scorer.rank(SET, BODIES).scores[0] == pytest.approx(found.scores[0], abs=1e-5)


def test_what_is_read_decides_the_scores():
    """Another text below the same header, another score."""
    scorer = Scorer(BUNDLE, load_weights(BUNDLE.path))
    with_bodies, without = scorer.rank(SET, BODIES), scorer.rank(SET, dict.fromkeys(BODIES, ""))
    assert with_bodies.scores[0] != without.scores[0]
    assert sum(with_bodies.num_tokens) > sum(without.num_tokens) + 500


def test_rankings_know_their_speed_and_their_beginning():
    """Items a second is all items over all seconds; the first query alone is a ranking of its own."""
    found = Scorer(BUNDLE, load_weights(BUNDLE.path)).rank(SET, BODIES)
    assert found.items_per_s.value == pytest.approx(6 / sum(found.seconds))
    first = found.first(1)
    assert (first.scores, first.ndcg, len(first.seconds)) == (found.scores[:1], found.ndcg[:1], 1)
