"""What the small ranker learns occupations from, and what it may not learn from."""

from random import Random

import pytest

from models.bundle import PromptLimits
from models.prompts import RankerPrompt, TextTokenizer
from models.training.corpora import TRAINING_MIX, text_tokenizer
from models.training.data import Split, draw_judged, draw_pool
from models.training.judged import EvaluationData, ads_set, find_evaluation_data, melo_set
from models.training.judged.ads import crosswalk, draw_rankings, known_ads
from models.training.judged.held_out import is_never_taught, judged_runs
from models.training.judged.titles import OccupationTitles, title_words
from models.training.ranker_data import RankerData
from models.training.small.lessons import TitleLessons
from models.training.small.occupations import OccupationWorld, draw_world, written_ad
from models.training.small.ranker_data import Mix, SmallRankerData, Sources, chosen_candidates
from models.training.small.summaries import Summaries
from models.training.small.teachable import Employers, asked_occupations
from models.training.tokenizer import corpus_texts, train_tokenizer

ROWS = [
    {
        "onet_code": "11-1.00",
        "title": "Bakers",
        "alternate_titles": ["Pastry Maker", "Bread Baker", "Cake Froster"],
        "tasks": ["Set oven temperatures and bake.", "Check products for quality.", "Weigh flour."],
        "related": ["22-2.00"],
    },
    {
        "onet_code": "22-2.00",
        "title": "Cooks",
        "alternate_titles": ["Line Cook", "Grill Cook"],
        "tasks": ["Cook food to order.", "Clean kitchens."],
    },
    {
        "onet_code": "33-3.00",
        "title": "Welders",
        "alternate_titles": ["Arc Welder", "Pipe Maker"],
        "tasks": ["Weld components.", "Clamp workpieces."],
    },
]
TITLES = OccupationTitles.from_rows(ROWS)
CODES = [row["onet_code"] for row in ROWS]
EMPLOYERS = Employers(("Leeds", "York"), ("Acme",), ("We are a family.", "We grow.", "We care for people."))


@pytest.fixture(scope="module")
def world() -> OccupationWorld:
    rng = Random(3)
    written = [written_ad(rng, f"ad-{number}", ROWS[number % 3], EMPLOYERS) for number in range(90)]
    ads = known_ads(written, TITLES)
    rankings = draw_rankings(rng, ads, TITLES, {}, 40)
    return OccupationWorld({ad.item.key: ad for ad in ads}, rankings, TITLES, CODES, {}, (), ())


def test_an_ad_says_what_its_typed_facts_say() -> None:
    """Title of its occupation, tasks of no other; clearance and grade are in the body in words."""
    rng = Random(1)
    for number in range(60):
        row = ROWS[number % 3]
        ad = written_ad(rng, "x", row, EMPLOYERS)
        assert any(ad["title"].endswith(name) for name in (row["title"], *row["alternate_titles"]))
        lines = ad["description"].split("\n")
        assert sum(line in row["tasks"] for line in lines) >= 2
        others = [task for other in ROWS if other is not row for task in other["tasks"]]
        assert not set(lines) & set(others)
        if "x_clearance" in ad:
            assert f"{ad['x_clearance']} clearance is required." in lines
        if "x_gs_grades" in ad:
            assert f"The grade is GS-{ad['x_gs_grades'][0]}." in lines


def test_lessons_are_graded_by_the_occupations_of_their_titles() -> None:
    """Same 4, related 1, others 0; each kind is drawn."""
    lessons, rng = TitleLessons(TITLES, CODES), Random(2)
    drawn = [lessons.draw(rng) for _ in range(300)]
    assert {lesson.grade for lesson in drawn} == {0, 1, 4}
    for lesson in drawn:
        (asked,) = TITLES.occupations_of(lesson.query)
        found = TITLES.occupations_of(lesson.title)
        expected = 4 if asked in found else int(TITLES.is_related(asked, found))
        assert lesson.grade == expected, lesson


def test_a_word_in_common_does_not_make_a_relative() -> None:
    """Pastry Maker and Pipe Maker meet in lessons, graded 0."""
    lessons, rng = TitleLessons(TITLES, CODES), Random(4)
    drawn = [lessons.draw(rng) for _ in range(2000)]
    grades = {lesson.grade for lesson in drawn if (lesson.query, lesson.title) == ("pastry maker", "Pipe Maker")}
    assert grades == {0}


def test_labels_of_esco_are_titles_too() -> None:
    """Asked and answered with, graded by the occupation that they were joined to; the grade of each pair can be had."""
    lessons, rng = TitleLessons(TITLES, CODES, {"33-3.00": ["metal joiner", "line cook"]}), Random(5)
    drawn = [lessons.draw(rng) for _ in range(2000)]
    grades = {(lesson.query, lesson.title): lesson.grade for lesson in drawn}
    assert grades["metal joiner", "Arc Welder"] == grades["arc welder", "metal joiner"] == 4
    assert "line cook" not in lessons.queries, "two occupations have that title"
    assert all(lessons.grade(query, title) == known for (query, title), known in grades.items())


def test_candidates_are_chosen_by_grade_and_filled_up() -> None:
    """Three good ones, two related, three others; without enough of a kind the others take its places."""
    grades = [4, 4, 4, 4, 1, 1, 1, *[0] * 10]
    chosen = [grades[at] for at in chosen_candidates(Random(1), grades)]
    assert chosen == [4, 4, 4, 1, 1, 0, 0, 0]
    assert len(set(chosen_candidates(Random(1), [4, *[0] * 20]))) == 8


@pytest.fixture(scope="module")
def generated() -> tuple[RankerData, TextTokenizer]:
    pool = draw_pool(5, 60, Split.TRAIN, "t")
    judged = draw_judged(5, pool, 10, Split.TRAIN, TRAINING_MIX)
    text = text_tokenizer(train_tokenizer(corpus_texts(pool, judged), 1500))
    return RankerData(judged, text, RankerPrompt(text, PromptLimits()), PromptLimits().header, 1), text


def test_steps_follow_from_their_numbers_and_each_query_comes_once_a_turn(
    world: OccupationWorld, generated: tuple[RankerData, TextTokenizer]
) -> None:
    """A resumed run sees what it would have seen."""

    def data() -> SmallRankerData:
        return ranker_data(world, generated, Mix(queries=4, titles=6, generated=1))

    assert data().of_step(5) == data().of_step(5)
    assert data().of_step(5) != data().of_step(6)
    turn = [query_of(pair, generated[1]) for step in range(10) for pair in data().of_step(step)[:32:8]]
    assert sorted(turn) == sorted(ranking.query for ranking in world.rankings)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_step_has_as_many_generated_queries_as_asked(
    world: OccupationWorld, generated: tuple[RankerData, TextTokenizer], count: int
) -> None:
    """Beside the queries over ads in O*NET's words and the titles."""
    pairs = ranker_data(world, generated, Mix(queries=2, titles=5, generated=count)).of_step(3)
    assert len({query_of(pair, generated[1]) for pair in pairs[21:]}) == count


def test_half_of_the_ads_are_read_as_the_summarizer_wrote_them(
    world: OccupationWorld, generated: tuple[RankerData, TextTokenizer]
) -> None:
    """Those that it read; the others, and all where there are no summaries, as first or random sentences or none."""
    told = "zzyx writes this"
    bodies = sorted({ad.item.body for ad in world.ads.values()})
    summaries = Summaries.of_texts("r", [(body, told) for body in bodies[::2]])

    def share_told(known: Summaries | None) -> float:
        data = ranker_data(world, generated, Mix(queries=4, titles=0, generated=0), known)
        pairs = [pair for step in range(30) for pair in data.of_step(step)]
        return sum(told in generated[1].decode(list(pair.example.prompt)) for pair in pairs) / len(pairs)

    assert 0.15 < share_told(summaries) < 0.35
    assert share_told(None) == 0


def ranker_data(
    world: OccupationWorld,
    generated: tuple[RankerData, TextTokenizer],
    mix: Mix,
    summaries: Summaries | None = None,
) -> SmallRankerData:
    sources = Sources(world, TitleLessons(TITLES, CODES), None, generated[0], summaries)
    limits = PromptLimits()
    return SmallRankerData(sources, generated[1], RankerPrompt(generated[1], limits), limits, mix, 1)


def query_of(pair: object, text: TextTokenizer) -> str:
    ids = list(pair.example.prompt)
    return text.decode(ids[1 : ids.index(text.special("<|job|>"))])


@pytest.fixture(scope="module")
def data(request: pytest.FixtureRequest) -> EvaluationData:
    return find_evaluation_data(request.getfixturevalue("shared_data"))


@pytest.fixture(scope="module")
def asked(data: EvaluationData) -> frozenset[str]:
    return asked_occupations(OccupationTitles.from_rows(data.rows("occupations")), ads_set(data), melo_set(data))


@pytest.mark.shared_data
def test_nothing_that_is_judged_is_taught(data: EvaluationData, asked: frozenset[str]) -> None:
    """No judged query, no judged ad; of the occupations asked for a third not at all."""
    never = {code for code in asked if is_never_taught(code)}
    assert 100 < len(asked) < 300
    assert len(asked) / 4 < len(never) < len(asked) / 2
    world = draw_world(data, 7, 900, 200)
    assert len(world.rankings) == 200
    assert not never & set(world.occupations)
    assert len(asked & set(world.occupations)) > 100
    assert not any(ad.occupations & never for ad in world.ads.values())
    for judged in (ads_set(data), melo_set(data)):
        assert not {ranking.query for ranking in judged.rankings} & {ranking.query for ranking in world.rankings}
        assert not {item.body for item in judged.items.values() if item.body} & {
            ad.item.body for ad in (*world.ads.values(), *world.real)
        }
        assert not judged.items.keys() & {ad.item.key for ad in world.real}


@pytest.mark.shared_data
def test_no_judged_wording_is_taught(data: EvaluationData) -> None:
    """No title of a lesson stands in a judged query or in a judged item's title."""
    world, runs = draw_world(data, 7, 900, 200), judged_runs((ads_set(data), melo_set(data)))
    lessons = TitleLessons(world.titles, world.occupations, world.esco)
    taught = {title_words(text) for text in (*lessons.titles, *lessons.queries, *world.other_esco)}
    assert len(taught) > 20_000
    assert not taught & runs
    assert not {title_words(ad.item.facts.title) for ad in world.ads.values()} & runs


@pytest.mark.shared_data
def test_no_esco_label_of_an_occupation_that_is_asked_for_is_taught(
    data: EvaluationData, asked: frozenset[str]
) -> None:
    """Neither as one of a relative's wordings nor among those whose occupation nobody says."""
    world, titles = draw_world(data, 7, 60, 10), OccupationTitles.from_rows(data.rows("occupations"))
    joined = crosswalk(data.rows("melo"), data.rows("esco_occupations"), titles)
    held = {label for code in asked for label in joined.get(code, ())}
    assert len(held) > 1000
    taught = {label for labels in world.esco.values() for label in labels}
    assert len(taught) > 1000
    assert len(world.other_esco) > 1000
    assert not held & taught
    assert not held & set(world.other_esco)


@pytest.mark.shared_data
def test_the_same_seed_gives_the_same_world(data: EvaluationData) -> None:
    """And another seed another one."""
    one, same, other = (draw_world(data, seed, 60, 10) for seed in (7, 7, 8))
    assert one == same
    assert one.rankings != other.rankings
    assert one.digest() == same.digest() != other.digest()
    assert len({one.digest(), *(world.digest() for world in one.split(4))}) == 3
