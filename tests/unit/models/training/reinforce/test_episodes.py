"""What is summarised in training, and in which order."""

from dataclasses import replace

import pytest

from models.bundle import PromptLimits
from models.prompts import SummarizerPrompt
from models.training.corpora import Corpus, training_corpus
from models.training.reinforce.episodes import Episode, Reference, draw_episodes, prompt_order
from tests.doubles.tokenizer import small_tokenizer


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return training_corpus(30, 60)


def draw(corpus: Corpus, seed: int = 1, reference: Reference = Reference.BODY, noise: float = 0.0) -> list[Episode]:
    tokenizer = small_tokenizer()
    prompt = SummarizerPrompt(tokenizer, PromptLimits(body=40))
    return draw_episodes(
        corpus,
        3,
        seed,
        prompt=prompt,
        tokenizer=tokenizer,
        header=lambda posting: f"header of {posting.job_id}",
        reference=reference,
        noise=noise,
    )


def test_queries_are_those_that_the_posting_is_a_candidate_of(corpus: Corpus) -> None:
    """Three different ones each; the prompt is cut where serving cuts it, the length is the whole body's."""
    asked = {(entry.query.text, p.job_id) for entry in corpus.judged for p in entry.candidates}
    episodes = draw(corpus)
    assert len(episodes) > 20
    for episode in episodes:
        assert len(set(episode.queries)) == 3
        assert {(query, episode.job_id) for query in episode.queries} <= asked
        assert episode.header == f"header of {episode.job_id}"
        assert len(episode.prompt_ids) == 42
        assert episode.body_tokens == small_tokenizer().count(episode.body) > 40


def test_a_posting_that_too_few_ask_about_is_no_episode(corpus: Corpus) -> None:
    """Rewards of different episodes rest on as many queries."""
    assert draw(replace(corpus, judged=corpus.judged[:1])) == []


def test_the_reference_is_the_body_or_all_of_its_facts(corpus: Corpus) -> None:
    """Equation 4 reads the body; generated postings also know what it says."""
    truth = {posting.job_id: posting for posting in corpus.postings}
    assert all(e.reference == e.body == truth[e.job_id].body for e in draw(corpus))
    assert all(e.reference == truth[e.job_id].summary for e in draw(corpus, reference=Reference.FACTS))


def test_noise_is_in_body_and_facts_alike(corpus: Corpus) -> None:
    """A fact stays one that the body tells, in other words; queries and headers are those without noise."""
    plain, noisy = draw(corpus, reference=Reference.FACTS), draw(corpus, reference=Reference.FACTS, noise=0.5)
    changed = sum(one.reference != other.reference for one, other in zip(plain, noisy, strict=True))
    assert changed > len(plain) / 2
    for one, other in zip(plain, noisy, strict=True):
        assert (one.queries, one.header) == (other.queries, other.header)
        assert all(phrase in other.body for phrase in other.reference.split("; "))


def test_the_seed_draws_the_queries(corpus: Corpus) -> None:
    """The same seed the same ones."""
    assert draw(corpus, seed=1) == draw(corpus, seed=1) != draw(corpus, seed=2)


def test_every_posting_comes_once_before_any_comes_again() -> None:
    """In another order each time, and a longer order begins with the shorter one: more steps change no earlier step."""
    order = prompt_order(["a", "b", "c", "d"], 12, seed=1)
    assert [sorted(order[at : at + 4]) for at in (0, 4, 8)] == [["a", "b", "c", "d"]] * 3
    assert len({tuple(order[at : at + 4]) for at in (0, 4, 8)}) > 1
    assert prompt_order(["a", "b", "c", "d"], 7, seed=1) == order[:7]
