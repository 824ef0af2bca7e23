"""The judged sets of the report."""

from dataclasses import dataclass

from models.training.corpora import Corpus
from models.training.data import Constraint, GeneratedQuery, JudgedQuery, Split, draw_judged, draw_pool
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


@dataclass(frozen=True)
class _Named(GeneratedQuery):
    slices: tuple[str, ...] = ()


def test_slices_are_the_generators_own_or_the_kinds_of_wishes():
    """Where the generator names kinds of match, they count; otherwise wishes and where their answers stand."""
    wishes = (Constraint("place", "York"), Constraint("shift", "nights"))
    plain, named = (
        generated_set(Corpus(POOL, [JudgedQuery(query, (POOL[0],), (4,))])).rankings[0].slices
        for query in (GeneratedQuery("q", "o", "f", wishes), _Named("q", "o", "f", wishes, ("synonym",)))
    )
    assert named == {"synonym"}
    assert plain == {"place", "shift", "answered in the header", "answered in the body"}


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
