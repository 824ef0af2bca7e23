"""Sums of money in queries and postings, a year."""

import pytest

from models.labels.teachers.pay import read_asked_pay, read_stated_pay


@pytest.mark.parametrize(
    ("query", "least"),
    [
        ("dev 50k", 50_000),
        ("dev 50k+", 50_000),
        ("dev £30,000", 30_000),
        ("dev 21000+", 21_000),
        ("dev salary from 40000", 40_000),
        ("dev $25/hr", 52_000),
        ("dev 25 an hour", 52_000),
        ("dev 300 per day", 78_000),
        ("dev 3000 a month", 36_000),
        ("62.5k dev", 62_500),
    ],
)
def test_the_least_that_a_query_wants(query, least):
    """However it is written."""
    assert read_asked_pay(query).low == least


@pytest.mark.parametrize("query", ["dev", "dev 401k", "40 hours", "3 years", "gs-13", "grade 12", "dev 2500", "mp3 k9"])
def test_other_numbers_are_no_pay(query):
    """Plans, hours, years, grades."""
    assert read_asked_pay(query) is None


@pytest.mark.parametrize(
    ("stated", "low", "high", "currency"),
    [
        ("USD 65207-121128/year", 65_207, 121_128, "USD"),
        ("GBP 20/hour", 41_600, 41_600, "GBP"),
        ("35000-30000", 30_000, 35_000, ""),
        ("EUR 3000/month", 36_000, 36_000, "EUR"),
    ],
)
def test_the_pay_of_the_header(stated, low, high, currency):
    """The form that ``Facts.pay`` has."""
    pay = read_stated_pay(stated)
    assert (pay.low, pay.high, pay.currency) == (low, high, currency)


@pytest.mark.parametrize("stated", ["", "competitive", "USD 3000", "0-0", "10-20/parsec"])
def test_pay_that_says_nothing(stated):
    """Free text, no unit, nothing."""
    assert read_stated_pay(stated) is None
