"""Industries of postings: from what they say, in the order of what is most reliable."""

import json

import pytest

from models.training.data.corpus import draw_pool
from models.training.data.truth import Split
from stream.drift.industry import Industry, industry_of


@pytest.mark.parametrize(
    ("posting", "industry"),
    [
        ({"title": "ICU Nurse"}, Industry.HEALTH),
        ({"title": "Nursery Nurse"}, Industry.EDUCATION),
        ({"title": "Machine Learning Scientist"}, Industry.TECHNOLOGY),
        ({"title": "Warehouse Manager"}, Industry.LOGISTICS),
        ({"title": "Career Coach"}, Industry.OTHER),
        ({"title": "Care Assistant"}, Industry.HEALTH),
        ({"title": "Apprentice Plumber"}, Industry.TRADES),
        ({"title": "Astronaut"}, Industry.OTHER),
        ({"title": "Accountant", "industry": "Hospital & Health Care"}, Industry.HEALTH),
        ({"title": "Accountant", "industry": ["Restaurants", "Food"]}, Industry.HOSPITALITY),
        ({"title": "Accountant", "industry": "Farming"}, Industry.OFFICE),
        ({"title": "Analyst", "occupationalCategory": "29-1141.00 Registered Nurses"}, Industry.HEALTH),
        ({"title": "Nurse", "occupationalCategory": "45-2092.00 Farmworkers"}, Industry.OTHER),
        ({"title": "Officer", "occupationalCategory": {"name": "Sales"}}, Industry.SALES),
        ({}, Industry.OTHER),
        ({"title": 7, "industry": {"deep": [None, True]}}, Industry.OTHER),
    ],
)
def test_what_decides(posting, industry):
    """``industry``, then the occupation's code or words, then the title; what is not understood decides nothing."""
    assert industry_of(posting) is industry


def test_generated_postings_are_understood():
    """Hardly one without an industry, and no industry that swallows the others."""
    pool = draw_pool(5, 300, Split.EVALUATION, "drift")
    found = [industry_of(posting.posting) for posting in pool]
    assert found.count(Industry.OTHER) <= 0.2 * len(found)
    assert max(found.count(industry) for industry in Industry) <= 0.4 * len(found)
    assert len(set(found)) >= 8


def test_real_ads_are_mostly_understood(shared_data):
    """Written by people, with fields of their own or none."""
    import gzip  # noqa: PLC0415 - only where the data is there

    with gzip.open(shared_data / "emscad.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [industry_of(json.loads(line)) for line in lines]
    assert found.count(Industry.OTHER) <= 0.2 * len(found)
