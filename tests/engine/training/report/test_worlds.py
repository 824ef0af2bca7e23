"""The judged sets of the report."""

from models.training.corpora import Corpus
from models.training.data import Split, draw_judged, draw_pool
from models.training.report.worlds import generated_set, trimmed

POOL = draw_pool(3, 60, Split.EVALUATION, "test")
CORPUS = Corpus(POOL, draw_judged(3, POOL, 5, Split.EVALUATION))
SET = generated_set(CORPUS)


def test_generated_queries_keep_their_grades_and_targets():
    """The same candidates in the same order, bodies and targets as the generator made them."""
    entry, ranking = CORPUS.judged[2], SET.rankings[2]
    assert ranking.query == entry.query.text
    assert ranking.keys == tuple(posting.job_id for posting in entry.candidates)
    assert ranking.grades == entry.grades
    posting = POOL[7]
    assert (SET.items[posting.job_id].body, SET.items[posting.job_id].target) == (posting.body, posting.summary)
    assert posting.posting["title"] in SET.items[posting.job_id].words()


def test_queries_keep_their_slices_and_unseen_occupations_are_a_set_of_their_own():
    """The kinds of match that the generator names, and a name that no figure of the main set has."""
    assert all(
        ranking.slices == frozenset(entry.query.slices) != frozenset()
        for entry, ranking in zip(CORPUS.judged, SET.rankings, strict=True)
    )
    assert (SET.name, generated_set(CORPUS, is_unseen=True).name) == ("generated", "unseen")


def test_a_trimmed_set_keeps_the_best_candidate_and_drops_unneeded_items():
    """The first queries, the first candidates; order and grades stay together."""
    small = trimmed(SET, 2, 4)
    assert len(small.rankings) == 2
    for short, whole in zip(small.rankings, SET.rankings[:2], strict=True):
        assert len(short.keys) == 4
        assert max(short.grades) == max(whole.grades)
        grades = dict(zip(whole.keys, whole.grades, strict=True))
        assert [grades[key] for key in short.keys] == list(short.grades)
        assert [key for key in whole.keys if key in short.keys] == list(short.keys)
    assert small.items.keys() == {key for ranking in small.rankings for key in ranking.keys}


def test_trimming_to_more_than_there_is_changes_nothing():
    """All queries, all candidates."""
    assert [*trimmed(SET, 99).rankings] == [*SET.rankings]
    assert trimmed(SET, 99, 99).rankings[0] == SET.rankings[0]
