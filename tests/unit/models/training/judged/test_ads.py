"""The set of real ads, on ads made by hand."""

from random import Random
from typing import Any

from models.training.judged.ads import crosswalk, draw_rankings, known_ads
from models.training.judged.titles import OccupationTitles

ROWS = [
    {"onet_code": "a", "title": "Bakers", "alternate_titles": ["Pastry Maker", "Bread Baker"], "related": ["b"]},
    {"onet_code": "b", "title": "Chefs and Cooks", "alternate_titles": ["Line Cook"]},
    {"onet_code": "c", "title": "Welders", "alternate_titles": ["Arc Welder"]},
]
TITLES = OccupationTitles.from_rows(ROWS)


def _posting(key: str, title: str, city: str, **fields: Any) -> dict[str, Any]:
    place = {"@type": "Place", "address": {"addressLocality": city}}
    return {
        "@type": "JobPosting",
        "identifier": key,
        "title": title,
        "jobLocation": place,
        "description": f"About {key}.",
        **fields,
    }


POSTINGS = [
    _posting("baker-1", "Bread Baker", "Leeds"),
    _posting("baker-2", "Baker", "York"),
    _posting("cook-1", "Line Cook", "Leeds"),
    _posting("cook-2", "Line Cook", "York"),
    _posting("welder-1", "Arc Welder", "Leeds"),
    _posting("welder-2", "Welder", "York"),
]


def test_ads_without_known_occupation_frauds_and_repeated_bodies_are_left_out() -> None:
    """What is left can be graded, each text once."""
    doubtful = [
        _posting("guru", "Marketing Guru", "Leeds"),
        _posting("fraud", "Baker", "Leeds", x_fraudulent=True),
        _posting("copy", "Baker", "Leeds", description="About baker-1."),
    ]
    assert [ad.item.key for ad in known_ads([*POSTINGS, *doubtful], TITLES)] == [row["identifier"] for row in POSTINGS]


def test_every_query_has_its_target_graded_by_the_rules() -> None:
    """Query and candidates: same occupation and place 4, place contradicted 1, relatives 1 or 0, others 0."""
    ads = known_ads(POSTINGS, TITLES)
    rankings = draw_rankings(Random(3), ads, TITLES, {}, 40)
    assert len(rankings) >= 6
    for ranking in rankings:
        (occupation,) = (
            code
            for code, words in (("a", "baker|pastry maker"), ("b", "cook"), ("c", "welder"))
            if any(word in ranking.query for word in words.split("|"))
        )
        city = "leeds" if "leeds" in ranking.query else "york"
        grades = dict(zip(ranking.keys, ranking.grades, strict=True))
        assert len(grades) == len(POSTINGS)
        for ad in ads:
            here = city in ad.stated.values["place"]
            expected = {True: 4, False: 1}[here] if occupation in ad.occupations else 0
            if occupation == "a" and "b" in ad.occupations:
                expected = int(here)
            assert grades[ad.item.key] == expected, (ranking.query, ad.item.key)
        assert "place" in ranking.slices


def test_a_wording_of_onet_is_never_the_ads_own_title() -> None:
    """The slice of alternate titles asks for words that the target's title does not say."""
    ads = known_ads(POSTINGS, TITLES)
    for ranking in draw_rankings(Random(3), ads, TITLES, {}, 40):
        if "wording: O*NET alternate title" in ranking.slices:
            best = [key for key, grade in zip(ranking.keys, ranking.grades, strict=True) if grade == 4]
            titles = {ad.item.facts.title.lower() for ad in ads if ad.item.key in best}
            assert not any(ranking.query.startswith(title) for title in titles)


def test_the_same_seed_draws_the_same_rankings() -> None:
    """Nothing but the seed decides."""
    ads = known_ads(POSTINGS, TITLES)
    assert draw_rankings(Random(5), ads, TITLES, {}, 9) == draw_rankings(Random(5), ads, TITLES, {}, 9)
    assert draw_rankings(Random(5), ads, TITLES, {}, 9) != draw_rankings(Random(6), ads, TITLES, {}, 9)


def test_the_crosswalk_gives_esco_labels_of_relevant_occupations() -> None:
    """MELO joins an O*NET title to ESCO occupations; a title that O*NET does not have joins nothing."""
    melo = [
        {"type": "query", "id": "q1", "text": "Bakers", "relevant": ["d1", "d2"]},
        {"type": "query", "id": "q2", "text": "Wizards", "relevant": ["d3"]},
        {"type": "doc", "id": "d1", "text": "baker", "esco_uri": "u1"},
        {"type": "doc", "id": "d2", "text": "bread maker", "esco_uri": "u1"},
        {"type": "doc", "id": "d3", "text": "mage", "esco_uri": "u2"},
    ]
    esco = [{"id": "u1", "label": "baker", "alt_labels": ["oven hand"]}, {"id": "u2", "label": "mage"}]
    assert crosswalk(melo, esco, TITLES) == {"a": ("baker", "oven hand")}
