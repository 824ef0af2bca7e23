"""What a query asks and what typed facts say to it."""

import pytest

from models.labels.teachers.asked import read_query
from models.labels.teachers.places import Gazetteer
from models.labels.teachers.rules import findings
from schemas.posting import Facts


def facts(title="Nurse", **given):
    fields = {
        "organisation": "",
        "places": (),
        "is_remote": False,
        "employment_types": (),
        "requirements": (),
        "pay": "",
        "date_posted": "",
    }
    return Facts(title=title, skills=given.pop("skills", ()), **{**fields, **given})


LEEDS = facts(places=("Leeds, West Yorkshire, GB",))
KNOWN = Gazetteer.of([LEEDS, facts(places=("Berlin, Berlin, DE", "Austin, TX, US"))])


@pytest.mark.parametrize(
    ("query", "posting", "kind", "verdict"),
    [
        ("nurse leeds", LEEDS, "place", "met"),
        ("nurse west yorkshire", LEEDS, "place", "met"),
        ("nurse uk", LEEDS, "place", "met"),
        ("nurse berlin", LEEDS, "place", "denied"),
        ("nurse berlin, uk", LEEDS, "place", "denied"),
        ("nurse in germany", LEEDS, "place", "denied"),
        ("nurse texas", facts(places=("Austin, TX, US",)), "place", "met"),
        ("nurse berlin", facts(is_remote=True), "place", "silent"),
        ("nurse berlin", facts(), "place", "silent"),
        ("nurse berlin", facts(places=("Anywhere",)), "place", "silent"),
        ("remote nurse", facts(is_remote=True), "remote", "met"),
        ("nurse wfh", LEEDS, "remote", "denied"),
        ("nurse work from home", facts(), "remote", "silent"),
        ("nurse no work from home", LEEDS, "remote", "met"),
        ("on-site nurse", facts(is_remote=True), "remote", "denied"),
        ("part-time nurse", facts(employment_types=("full time", "part time")), "employment", "met"),
        ("nurse pt", facts(employment_types=("full time",)), "employment", "denied"),
        ("temp nurse", facts(employment_types=("other",)), "employment", "silent"),
        ("temp nurse", facts(), "employment", "silent"),
        ("contract specialist", facts("Contract Specialist", employment_types=("full time",)), "employment", "silent"),
        ("jr nurse", facts("Trainee Nurse"), "level", "met"),
        ("jr nurse", facts("Senior Nurse"), "level", "denied"),
        ("senior nurse", facts("Senior Team Leader"), "level", "denied"),
        ("senior nurse", facts("Nurse"), "level", "silent"),
        ("nurse 30k+", facts(pay="GBP 31000-35000/year"), "pay", "met"),
        ("nurse 30k+", facts(pay="GBP 25000-35000/year"), "pay", "silent"),
        ("nurse 30k+", facts(pay="GBP 20000-29000/year"), "pay", "denied"),
        ("nurse $20 an hour", facts(pay="USD 18/hour"), "pay", "denied"),
        ("nurse £30,000", facts(pay="EUR 20000/year"), "pay", "silent"),
        ("nurse 30k", facts(), "pay", "silent"),
        ("nurse triage", facts(skills=("first aid", "triage")), "skill", "met"),
    ],
)
def test_the_verdicts(query, posting, kind, verdict):
    """The table of the rules, row by row; each has a reason."""
    found = {finding.kind: finding for finding in findings(read_query(query, KNOWN), posting)}
    assert found[kind].verdict == verdict
    assert found[kind].reason


@pytest.mark.parametrize(
    "query",
    ["nurse", "nurse 401k", "nurse 12 hours", "grade 11 nurse", "gs-13", "nurse skilled in triage", "nurse in us"],
)
def test_what_asks_nothing_that_is_typed_finds_nothing(query):
    """No rule speaks where the words ask for nothing it knows."""
    assert findings(read_query(query, KNOWN), LEEDS) == ()


def test_the_reason_names_both_sides():
    """People read it."""
    (found,) = findings(read_query("nurse berlin", KNOWN), LEEDS)
    assert found.reason == "asked berlin, it is in Leeds, West Yorkshire, GB"


def test_a_name_within_a_longer_one_is_not_asked_for():
    """Of New London, London is no part."""
    known = Gazetteer.of([facts(places=("London, GB", "New London, CT, US"))])
    assert known.asked("nurse new london") == {"new london"}
