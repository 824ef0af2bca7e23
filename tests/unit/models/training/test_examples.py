"""Examples of both trainings, before they become tensors."""

import re
from random import Random

import pytest

from models.bundle import PromptLimits
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from models.training.bm25 import Bm25
from models.training.corpora import text_tokenizer
from models.training.curriculum import stage_at
from models.training.data import GeneratedPosting, JudgedQuery
from models.training.examples import Example, micro_batches
from models.training.measures import measure_summaries, ndcg_at_10
from models.training.ranker_curriculum import CURRICULUM as RANKER_CURRICULUM
from models.training.ranker_curriculum import CURRICULUM_OF_BODIES, Stage
from models.training.ranker_data import RankerData
from models.training.summarizer_data import CURRICULUM as SUMMARIZER_CURRICULUM
from models.training.summarizer_data import SummarizerData, shortened, target_within, with_noise, with_nonsense
from models.training.tokenizer import corpus_texts, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer(pool: list[GeneratedPosting], judged: list[JudgedQuery]) -> TextTokenizer:
    return text_tokenizer(train_tokenizer(corpus_texts(pool, judged), 1500))


def test_micro_batches_hold_each_example_once_within_the_budget() -> None:
    """Ordered by length, padded size within the budget; an overlong example stands alone."""
    examples = [Example([1] * length) for length in (3, 90, 10, 11, 200, 12)]
    groups = micro_batches(examples, 100)
    assert sorted(index for group in groups for index in group) == list(range(6))
    for group in groups:
        assert len(group) == 1 or len(group) * max(len(examples[index]) for index in group) <= 100


def test_micro_batches_of_like_lengths_hold_little_padding() -> None:
    """No example is shorter than the share asked for of the longest beside it."""
    examples = [Example([1] * length) for length in (12, 60, 10, 61, 9, 30)]
    groups = micro_batches(examples, 1000, least_length=0.7)
    assert [sorted(len(examples[index]) for index in group) for group in groups] == [[9, 10, 12], [30], [60, 61]]


@pytest.mark.parametrize("curriculum", [RANKER_CURRICULUM, CURRICULUM_OF_BODIES, SUMMARIZER_CURRICULUM])
def test_stages_of_a_curriculum_cover_all_steps_in_order(curriculum: tuple) -> None:
    """Shares add up to one, and no stage returns after it ended."""
    assert sum(stage.share for stage in curriculum) == pytest.approx(1.0)
    visited = [curriculum.index(stage_at(curriculum, step, 100)) for step in range(100)]
    assert visited == sorted(visited)
    assert set(visited) == set(range(len(curriculum)))


def test_a_short_body_holds_its_target_verbatim_and_no_other_fact(pool: list[GeneratedPosting]) -> None:
    """Facts that are not in the target are not in the body either."""
    rng = Random(1)
    for posting in pool[:80]:
        short = shortened(rng, posting, facts=3, others=5)
        assert short.facts == tuple(fact for fact in posting.facts if fact.sentence in short.body)
        assert 1 <= len(short.facts) <= 3
        assert len(short.body) < len(posting.body)


def test_nonsense_changes_body_and_target_alike(pool: list[GeneratedPosting]) -> None:
    """The target stays verbatim, in order, and no replaced phrase is left in its sentence."""
    rng = Random(4)
    for posting in pool[:80]:
        changed = with_nonsense(rng, posting, share=1.0, words=("aba", "cdc", "efe"))
        places = [changed.body.index(fact.sentence) + fact.sentence.index(fact.phrase) for fact in changed.facts]
        assert len(changed.facts) == len(posting.facts)
        assert places == sorted(places)
        assert all(set(fact.phrase.split()) <= {"aba", "cdc", "efe"} for fact in changed.facts)


def test_noise_changes_words_in_body_and_target_alike(pool: list[GeneratedPosting]) -> None:
    """All lower-case words at a share of 1, none at 0; what stands around them, and the order of the facts, stay."""
    rng = Random(5)
    for posting in pool[:80]:
        assert with_noise(rng, posting, 0.0, ["aba"]) == posting
        changed = with_noise(rng, posting, 1.0, ["aba"])
        assert set(re.findall(r"\b[a-z]{2,}\b", changed.body)) == {"aba"}
        assert re.sub(r"\b[a-z]{2,}\b|[0-9]", "", changed.body) == re.sub(r"\b[a-z]{2,}\b|[0-9]", "", posting.body)
        assert all(fact.phrase in fact.sentence and fact.sentence in changed.body for fact in changed.facts)
        assert [fact.kind for fact in changed.facts] == [fact.kind for fact in posting.facts]


def test_facts_behind_the_cut_of_a_long_body_are_not_asked_for(
    pool: list[GeneratedPosting], tokenizer: TextTokenizer
) -> None:
    """The target follows from what the model can see."""
    limits = PromptLimits(body=600)
    data = SummarizerData(pool, tokenizer, SummarizerPrompt(tokenizer, limits), limits.body, seed=1)
    long = max(pool, key=lambda posting: len(posting.body))
    example = data.example(long)
    visible = tokenizer.decode(list(example.prompt))
    assert tokenizer.decode(list(example.target)) == f" {target_within(long, visible)}"
    assert 0 < len(target_within(long, visible)) < len(long.summary)


def test_marks_stand_where_title_header_and_facts_end(judged: list[JudgedQuery], tokenizer: TextTokenizer) -> None:
    """Each mark is on a separator of the item, in reading order, and the last fact is answered at the end."""
    data = RankerData(judged, tokenizer, RankerPrompt(tokenizer, PromptLimits()), 64, seed=1)
    pairs = data.of_step(3, RANKER_CURRICULUM[3])
    assert any(pair.marks for pair in pairs)
    for pair in pairs:
        places = [place for place, _ in pair.marks]
        assert places == sorted(places)
        ends = [tokenizer.decode([pair.example.prompt[place]]) for place in places]
        assert ends[:2] == [" |", "\n"]
        assert set(ends[2:]) <= {";"}


@pytest.mark.parametrize("stage", [CURRICULUM_OF_BODIES[0], CURRICULUM_OF_BODIES[-1]], ids=["excerpts", "whole"])
def test_bodies_are_answered_where_their_facts_end(
    judged: list[JudgedQuery], tokenizer: TextTokenizer, pool: list[GeneratedPosting], stage: Stage
) -> None:
    """Beside pairs with summaries there are pairs with bodies, and their marks follow title, header and each phrase."""
    prompt = RankerPrompt(tokenizer, PromptLimits())
    pairs = RankerData(judged, tokenizer, prompt, 64, seed=1).of_step(0, stage)
    count = 8 * stage.bodies
    bodies = pairs[8 * stage.queries : 8 * stage.queries + count]
    assert len(bodies) == count
    mean_length = sum(len(pair.example) for pair in bodies) / count
    assert mean_length < 150 if stage.sentences else mean_length > 400
    phrases = {fact.phrase for posting in pool for fact in posting.facts}
    for pair in bodies:
        ids = pair.example.prompt
        before = [tokenizer.decode(list(ids[: place + 1])) for place, _ in pair.marks]
        assert before[0].endswith(" |")
        assert before[1].endswith("\n")
        assert all(any(text.endswith(phrase) for phrase in phrases) for text in before[2:])
        assert pair.marks[-1][0] < len(ids) - 1
    assert sum(len(pair.marks) > 2 for pair in bodies) > count / 2
    long = [pair for pair in bodies if len(pair.example) > PromptLimits().query + 64 + 96 + 8]
    assert stage.sentences or len(long) > 8
    assert all(len(pair.marks) > 2 for pair in long)


def test_a_body_is_cut_where_the_prompt_cuts_it(judged: list[JudgedQuery], tokenizer: TextTokenizer) -> None:
    """Facts behind the cut are not asked about."""
    prompt = RankerPrompt(tokenizer, PromptLimits(body=60))
    pairs = RankerData(judged, tokenizer, prompt, 64, seed=1).of_step(0, CURRICULUM_OF_BODIES[-1])
    for pair in pairs:
        assert all(place < len(pair.example.prompt) - 1 for place, _ in pair.marks)


def test_steps_draw_the_same_pairs_again(judged: list[JudgedQuery], tokenizer: TextTokenizer) -> None:
    """A step's examples follow from its number: a resumed run continues as if it had not stopped."""
    prompt = RankerPrompt(tokenizer, PromptLimits())

    def pairs(step: int) -> object:
        return RankerData(judged, tokenizer, prompt, 64, seed=1).of_step(step, RANKER_CURRICULUM[2])

    assert pairs(17) == pairs(17)
    assert pairs(17) != pairs(18)


def test_ndcg_equals_the_formula_with_linear_gain(judged: list[JudgedQuery]) -> None:
    """One for the ideal order, and the textbook value for its reverse."""
    entry = judged[0]
    ideal = [float(grade) for grade in entry.grades]
    assert ndcg_at_10([entry], [ideal]) == pytest.approx(1.0)
    discount = [
        1.0,
        0.6309297535714575,
        0.5,
        0.43067655807339306,
        0.38685280723454163,
        0.3562071871080222,
        1 / 3,
        0.3154648767857287,
    ]
    gains = sorted(entry.grades)
    discount = discount[: len(gains)]
    worst = sum(g * d for g, d in zip(gains, discount, strict=True))
    best = sum(g * d for g, d in zip(reversed(gains), discount, strict=True))
    assert ndcg_at_10([entry], [[-score for score in ideal]]) == pytest.approx(worst / best)


def test_summaries_are_measured_by_their_facts(pool: list[GeneratedPosting]) -> None:
    """A perfect, a half and an empty summary."""
    three = pool[:3]
    half = f"{three[1].facts[0].phrase}; not a phrase of it"
    written = [three[0].summary, half, ""]
    measures = measure_summaries(three, written, [(1, 10)] * 3, [True, True, False])
    facts = sum(len(posting.facts) for posting in three)
    assert measures.fact_recall == pytest.approx((len(three[0].facts) + 1) / facts)
    assert measures.fact_precision == pytest.approx((len(three[0].facts) + 1) / (len(three[0].facts) + 2))
    assert (measures.exact_share, measures.empty_share, measures.ended_share) == pytest.approx((1 / 3, 1 / 3, 2 / 3))
    assert measures.length_ratio == pytest.approx(0.1)


def test_bm25_prefers_rare_words_and_short_documents() -> None:
    """The word that only one document has decides; among equal matches the shorter document wins."""
    index = Bm25(
        {"a": "nurse nights leeds", "b": "nurse days leeds", "c": "nurse days leeds and very many other words"}
    )
    a, b, c = index.scores("nurse nights", ["a", "b", "c"])
    assert a > b > c > 0
    assert index.scores("", ["a"]) == [0.0]
