"""What the generator promises about postings, queries and the two splits."""

from collections import Counter
from statistics import median

import pytest

from models.training.data import GeneratedPosting, Split, draw_judged, draw_pool
from models.training.data.catalogue import load_catalogue, permitted
from models.training.data.leakage import leakage
from models.training.data.queries import belongs_to, share_words
from models.training.data.truth import SLICES
from schemas.posting import job_id_of, read_posting


@pytest.fixture(scope="module")
def pool() -> list[GeneratedPosting]:
    return draw_pool(5, 360, Split.TRAIN, "t")


@pytest.fixture(scope="module")
def held_out() -> list[GeneratedPosting]:
    return draw_pool(5, 360, Split.EVALUATION, "e")


def test_the_same_seed_gives_the_same_postings_and_another_seed_others() -> None:
    """All randomness comes from the seed."""
    first, again, other = (draw_pool(seed, 20, Split.TRAIN, "t") for seed in (3, 3, 4))
    assert [p.posting for p in first] == [p.posting for p in again]
    assert [p.body for p in first] != [p.body for p in other]


def test_facts_stand_verbatim_in_the_body_in_the_order_of_the_target(pool: list[GeneratedPosting]) -> None:
    """The target is extractive: each phrase inside its sentence, each sentence in the body, in document order."""
    for posting in pool:
        places = [posting.body.index(fact.sentence) + fact.sentence.index(fact.phrase) for fact in posting.facts]
        assert places == sorted(places)
        assert posting.summary.split("; ") == [fact.phrase for fact in posting.facts]
        assert len({fact.sentence for fact in posting.facts}) == len(posting.facts)


def test_targets_are_short_and_bodies_as_long_as_real_ads(pool: list[GeneratedPosting]) -> None:
    """About 450 words of body, up to some 900 tokens; a target of a few dozen words without boilerplate."""
    lengths = sorted(len(posting.body.split()) for posting in pool)
    assert 400 <= median(lengths) <= 550
    assert 550 <= lengths[int(0.95 * len(lengths))] <= 750
    assert max(len(posting.summary.split()) for posting in pool) <= 60


def test_body_facts_are_not_in_the_header(pool: list[GeneratedPosting]) -> None:
    """Who reads only the header does not learn a body fact; a phrase as short as a title word proves nothing."""
    for posting in pool:
        facts = read_posting(posting.posting).facts
        header = " | ".join(
            (facts.title, facts.organisation, *facts.places, *facts.employment_types, facts.pay, *facts.skills)
        )
        for fact in posting.facts:
            if len(fact.phrase.split()) > 1:
                assert fact.phrase.lower() not in header.lower()


def test_at_least_half_of_what_grades_depend_on_stands_only_in_the_body(pool: list[GeneratedPosting]) -> None:
    """Of the wishes of the queries, and of the wishes that lower a grade, most are answered by the body alone."""
    judged = draw_judged(5, pool, 200, Split.TRAIN)
    wishes = [wish for entry in judged for wish in entry.query.constraints]
    assert sum(wish.in_body for wish in wishes) / len(wishes) >= 0.5


def test_every_query_has_a_full_answer_and_hard_negatives(pool: list[GeneratedPosting]) -> None:
    """A grade 4, candidates of the same occupation that miss a wish, candidates of other families; none twice."""
    for entry in draw_judged(5, pool, 100, Split.TRAIN):
        ids = [posting.job_id for posting in entry.candidates]
        assert len(ids) == len(set(ids))
        assert 4 in entry.grades
        assert 0 in entry.grades
        same = [
            grade
            for grade, p in zip(entry.grades, entry.candidates, strict=True)
            if p.occupation == entry.query.occupation
        ]
        assert min(same) < 4


def test_all_grades_occur(pool: list[GeneratedPosting]) -> None:
    """No grade is rarer than one in fifty."""
    counts = Counter(grade for entry in draw_judged(5, pool, 200, Split.TRAIN) for grade in entry.grades)
    assert set(counts) == {0, 1, 2, 3, 4}
    assert min(counts.values()) / counts.total() > 0.02


def test_splits_share_no_organisation_query_text_or_meaning(
    pool: list[GeneratedPosting], held_out: list[GeneratedPosting]
) -> None:
    """Evaluation asks what was never asked in training, about organisations never seen."""
    names = [{p.posting["hiringOrganization"]["name"] for p in postings} for postings in (pool, held_out)]
    assert not names[0] & names[1]
    trained, evaluated = draw_judged(5, pool, 400, Split.TRAIN), draw_judged(5, held_out, 120, Split.EVALUATION)
    assert not {entry.query.text for entry in trained} & {entry.query.text for entry in evaluated}
    meanings = [
        {(e.query.occupation, frozenset(e.query.constraints)) for e in entries} for entries in (trained, evaluated)
    ]
    assert not meanings[0] & meanings[1]
    assert all(belongs_to(e.query.occupation, e.query.constraints) is Split.TRAIN for e in trained)


def test_excluded_query_texts_are_not_drawn(pool: list[GeneratedPosting]) -> None:
    """A text on the list of the shipped queries cannot come up in training."""
    some = frozenset(entry.query.text for entry in draw_judged(5, pool, 30, Split.TRAIN))
    assert not some & {entry.query.text for entry in draw_judged(5, pool, 60, Split.TRAIN, excluded=some)}


def test_evaluation_draws_on_sentences_that_training_never_sees(
    pool: list[GeneratedPosting], held_out: list[GeneratedPosting]
) -> None:
    """Every fourth template of each list is kept back."""
    kind = load_catalogue().facts["shift"]
    kept_back = set(kind.frames) - set(permitted(kind.frames, Split.TRAIN))
    assert kept_back

    def used(postings: list[GeneratedPosting]) -> set[str]:
        facts = [fact for posting in postings for fact in posting.facts if fact.kind == "shift"]
        return {fact.sentence.replace(fact.phrase, "{p}") for fact in facts}

    assert not kept_back & used(pool)
    assert kept_back & used(held_out)


def test_postings_are_schema_org_documents_with_their_id(pool: list[GeneratedPosting]) -> None:
    """The system reads each posting as it would any other, and finds its id."""
    for posting in pool:
        assert job_id_of(posting.posting) == posting.job_id
        assert read_posting(posting.posting).body == posting.body
    assert any("<li>" in posting.posting["description"] for posting in pool)
    assert any("<" not in posting.posting["description"] for posting in pool)


def test_nothing_of_the_test_is_in_the_training_data(
    pool: list[GeneratedPosting], held_out: list[GeneratedPosting]
) -> None:
    """No held-out occupation, organisation, title, phrase, template, boilerplate, query wording or meaning."""
    trained = draw_judged(5, pool, 400, Split.TRAIN)
    tested = [
        entry
        for is_unseen in (False, True)
        for entry in draw_judged(5, held_out, 120, Split.EVALUATION, is_unseen=is_unseen)
    ]
    counts = leakage(load_catalogue(), (pool, trained), (held_out, tested))
    assert len(counts) == 9
    assert set(counts.values()) == {0}


def test_what_leaks_is_counted(held_out: list[GeneratedPosting]) -> None:
    """Training on the test set itself shows in every count."""
    judged = draw_judged(5, held_out, 120, Split.EVALUATION, is_unseen=True)
    assert min(leakage(load_catalogue(), (held_out, judged), (held_out, judged)).values()) > 0


def test_held_out_occupations_are_asked_for_apart(held_out: list[GeneratedPosting]) -> None:
    """One occupation a family; the main queries are about the others."""
    kept = {entry.key for entry in load_catalogue().occupations if entry.is_held_out}
    assert {load_catalogue().occupation(key).family for key in kept} == set(load_catalogue().sectors)
    for is_unseen in (False, True):
        for entry in draw_judged(5, held_out, 60, Split.EVALUATION, is_unseen=is_unseen):
            assert (entry.query.occupation in kept) is is_unseen is ("unseen_occupation" in entry.query.slices)


def test_a_smaller_count_gives_the_first_queries_of_a_larger_one(held_out: list[GeneratedPosting]) -> None:
    """So the shipped queries are among those of any larger evaluation."""
    some, more = (draw_judged(5, held_out, count, Split.EVALUATION) for count in (20, 50))
    assert some == more[:20]


def test_slices_say_how_a_query_is_matched(held_out: list[GeneratedPosting]) -> None:
    """By kind of wish; most queries have a wish in other words than the posting; every slice occurs."""
    queries = [
        entry.query
        for is_unseen in (False, True)
        for entry in draw_judged(5, held_out, 200, Split.EVALUATION, is_unseen=is_unseen)
    ]
    assert {name for query in queries for name in query.slices} == set(SLICES)
    for query in queries:
        kinds = {wish.kind for wish in query.constraints}
        assert kinds & {"place", "seniority", "pay"} == set(query.slices) & {"place", "seniority", "pay"}
        assert ("synonym" in query.slices) is not ("verbatim" in query.slices)
        assert ("body" in query.slices) is all(wish.in_body for wish in query.constraints)
    assert sum("synonym" in query.slices for query in queries) / len(queries) > 0.7


def test_words_are_compared_whole_and_without_capitals() -> None:
    """As BM25 reads them."""
    assert share_words("Night shift", "the night")
    assert not share_words("nights", "overnight hours, 10 pm to 6 am")
