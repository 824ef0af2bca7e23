"""Ads whose summary is known."""

from random import Random

import pytest

from models.prompts import supported_phrases
from models.training.judged import JudgedSet
from models.training.judged.titles import OccupationTitles
from models.training.small.teachable import Employers, Teachable
from models.training.small.told_ads import ToldAds, opening_clause, shared_sentences

ROWS = [
    {
        "onet_code": "11-1.00",
        "title": "Bakers",
        "tasks": [
            "Set oven temperatures, and bake bread.",
            "Check products for quality.",
            "Weigh flour and other ingredients to prepare dough using scales.",
            "Direct workers.",
            "Clean mixers, pans and ovens.",
            "Order supplies such as flour.",
        ],
    }
]
REAL = [
    {"title": "Cook", "description": "<p>We cook well.</p><p>Send your resume to our office.</p>"},
    {"title": "Chef", "description": "<p>You run a kitchen.</p><p>Send your resume to our office.</p>"},
]
PROFILE = ("We are a family.", "We grow every year.", "We care for people.")


@pytest.fixture(scope="module")
def told() -> ToldAds:
    known, ads = OccupationTitles.from_rows(ROWS), JudgedSet("ads", "ads", {}, [], is_real=True)
    employers = Employers((), (), PROFILE)
    return ToldAds(Teachable(known, ROWS, frozenset(), frozenset(), frozenset(), ads, REAL, employers))


def test_what_is_told_stands_in_the_ad_word_for_word(told: ToldAds) -> None:
    """In its order, and nothing of it is what employers say of themselves or of everybody."""
    rng, kinds = Random(3), set()
    for _ in range(200):
        ad = told.draw(rng)
        assert supported_phrases(ad.summary, ad.body).split("; ") == list(dict.fromkeys(ad.summary.split("; ")))
        places = [ad.body.index(fact.sentence) for fact in ad.facts]
        assert places == sorted(places)
        assert not any(text in ad.summary for text in (*PROFILE, "Send your resume to our office"))
        assert sum(fact.kind == "task" for fact in ad.facts) in range(2, 5)
        assert "[" not in ad.body
        kinds |= {fact.kind for fact in ad.facts}
    assert kinds == {"task", "clearance", "grade", "degree", "years", "licence", "schedule", "travel"}


def test_ads_hold_what_a_summary_leaves_out(told: ToldAds) -> None:
    """Else a model that copies everything would learn nothing."""
    rng = Random(5)
    bodies = [told.draw(rng).body for _ in range(60)]
    for text in (*PROFILE, "Send your resume to our office."):
        assert any(text in body for body in bodies)


@pytest.mark.parametrize(
    ("task", "clause"),
    [
        ("Set oven temperatures, and bake bread.", "Set oven temperatures"),
        ("Weigh flour and other ingredients to prepare dough.", "Weigh flour and other ingredients"),
        ("Direct workers.", "Direct workers"),
        (
            "Bake, fry or boil whatever is wanted by those who are there today.",
            "Bake, fry or boil whatever is wanted by those",
        ),
        ("Clean rooms (and halls) every day.", "Clean rooms (and halls) every day"),
    ],
)
def test_the_opening_clause_ends_where_a_clause_ends(task: str, clause: str) -> None:
    """If that is long enough to say something; else after nine words."""
    assert opening_clause(task) == clause


def test_shared_sentences_stand_in_two_bodies() -> None:
    """Twice in one is not shared; what is very short is no sentence."""
    bodies = ["Apply on our site.\nYes.\nTwice as good.\nTwice as good.", "Apply on our site.\nYes."]
    assert shared_sentences(bodies) == ["Apply on our site."]


def test_another_source_is_another_digest(told: ToldAds) -> None:
    """A checkpoint of other ads is not gone on from."""
    other = ToldAds(
        Teachable(
            OccupationTitles.from_rows(ROWS),
            [{**ROWS[0], "tasks": ["Bake cakes every day."]}],
            frozenset(),
            frozenset(),
            frozenset(),
            JudgedSet("ads", "ads", {}, [], is_real=True),
            REAL,
            Employers((), (), PROFILE),
        )
    )
    assert other.digest() != told.digest()
