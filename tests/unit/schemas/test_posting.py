"""Postings as publishers write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidInput
from schemas.posting import job_id_of, read_posting

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "hiringOrganization",
    "jobLocation",
    "jobLocationType",
    "employmentType",
    "baseSalary",
    "datePosted",
    "validThrough",
    "skills",
    "description",
    "qualifications",
    "experienceRequirements",
]


def test_objects_lists_and_text_are_read_alike():
    """Single values, lists and objects of the vocabulary give the same facts."""
    structured = read_posting(
        {
            "@type": "JobPosting",
            "title": "Nurse",
            "hiringOrganization": {"@type": "Organization", "name": "Mercy", "description": "We care."},
            "jobLocation": [{"@type": "Place", "address": {"addressLocality": "Leeds", "addressCountry": "GB"}}],
            "jobLocationType": "TELECOMMUTE",
            "employmentType": ["FULL_TIME", "CONTRACTOR"],
            "baseSalary": {"currency": "GBP", "value": {"minValue": 30000, "maxValue": 34000.0, "unitText": "YEAR"}},
            "datePosted": "2026-01-02T10:00:00Z",
            "skills": "BLS, ACLS; triage",
            "description": "<p>Nights.</p>",
            "validThrough": "2026-03-01",
        }
    )
    plain = read_posting(
        {
            "title": "Nurse",
            "hiringOrganization": "Mercy",
            "jobLocation": "Leeds, GB",
            "jobLocationType": ["TELECOMMUTE"],
            "employmentType": "FULL_TIME, CONTRACTOR",
            "baseSalary": "GBP 30000-34000/year",
            "datePosted": "2026-01-02",
            "skills": ["BLS", "ACLS", "triage"],
            "description": ["Nights.", "We care."],
            "validThrough": "2026-03-01T23:59:59+00:00",
        }
    )
    assert structured.facts == plain.facts
    assert structured.facts.pay == "GBP 30000-34000/year"
    assert structured.facts.skills == ("BLS", "ACLS", "triage")
    assert structured.body == plain.body == "Nights.\nWe care."
    assert structured.valid_through == plain.valid_through == datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("salary", "expected"),
    [
        (52_000, "52000"),
        ("$30 an hour", "$30 an hour"),
        ({"currency": "EUR", "value": 4100, "unitText": "MONTH"}, "EUR 4100/month"),
        ([{"value": {}}, {"minValue": "18.5", "currency": "USD"}], "USD 18.5"),
        ({"value": {"value": True}}, ""),
        (None, ""),
    ],
)
def test_pay_comes_in_many_forms(salary, expected):
    """Numbers, text, ranges and lists of salaries are read; what says nothing is left out."""
    assert read_posting({"title": "x", "baseSalary": salary}).facts.pay == expected


def test_sections_repeated_in_the_description_are_read_once():
    """A section that the description holds already does not stand twice in the body."""
    posting = read_posting({"title": "x", "description": "Duties\nLift boxes.", "responsibilities": "Lift boxes."})
    assert posting.body == "Duties\nLift boxes."


def test_an_empty_description_is_taken_in():
    """A posting needs a title and nothing else."""
    assert read_posting({"title": "Baker"}).body == ""


@pytest.mark.parametrize("posting", [{}, {"title": ""}, {"title": {"x": 1}}, {"title": "x", "@type": "Recipe"}])
def test_what_is_no_posting_is_refused_with_the_field(posting):
    """No title, or another type: refused, and the error names the field."""
    with pytest.raises(InvalidInput) as caught:
        read_posting(posting)
    assert caught.value.field is not None
    assert caught.value.field.startswith("posting.")


@given(st.fixed_dictionaries({"title": st.just("x")}, optional=dict.fromkeys(FIELDS, JSON)))
def test_odd_values_never_refuse_a_posting(posting):
    """Whatever JSON stands in the other fields, the posting is read and its text encodes."""
    read = read_posting(posting)
    read.body.encode()
    repr(read.facts).encode()


@pytest.mark.parametrize(
    ("posting", "expected"),
    [
        ({"identifier": {"@type": "PropertyValue", "name": "acme", "value": "a-1"}}, "a-1"),
        ({"identifier": 77}, "77"),
        ({"identifier": [{"value": "first"}, "second"]}, "first"),
        ({"url": "https://jobs.example/7"}, "https://jobs.example/7"),
        ({"identifier": "", "@id": "urn:1"}, "urn:1"),
    ],
)
def test_the_id_comes_from_identifier_id_or_url(posting, expected):
    """The first of the three that says something is the job's id."""
    assert job_id_of(posting) == expected


@pytest.mark.parametrize("identifier", [None, "", {}, "x" * 201, "a\x00b", "é" * 101, {"value": True}])
def test_unusable_ids_are_refused(identifier):
    """Ids that are missing, too long for a key, or not printable are refused."""
    with pytest.raises(InvalidInput):
        job_id_of({"identifier": identifier})


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Entry level", "Entry level"),
        ({"@type": "OccupationalExperienceRequirements", "monthsOfExperience": 24}, "24 months of experience"),
        ({"@type": "EducationalOccupationalCredential", "credentialCategory": "bachelor degree"}, "bachelor degree"),
        (["Associate", "Mid-Senior level"], "Associate, Mid-Senior level"),
        ("High School\nor equivalent", "High School or equivalent"),
    ],
)
@pytest.mark.parametrize("field", ["experienceRequirements", "educationRequirements"])
def test_a_level_or_a_degree_is_a_fact_and_not_in_the_body(field, value, told):
    """Search asks for it, and the header is never compressed."""
    read = read_posting({"title": "Nurse", "description": "Nights.", field: value})
    assert read.facts.requirements == (told,)
    assert read.body == "Nights."


def test_a_section_about_experience_is_compressed_with_the_rest():
    """Publishers put pages there."""
    section = "At least five years of experience on a ward, three of them at night."
    read = read_posting({"title": "Nurse", "description": "Nights.", "experienceRequirements": section})
    assert read.facts.requirements == ()
    assert read.body == f"Nights.\n{section}"


def test_a_requirement_that_the_description_repeats_is_a_fact_all_the_same():
    """And the description stays as it was published."""
    read = read_posting(
        {"title": "Nurse", "description": "Nights. Bachelor degree.", "educationRequirements": "Bachelor degree."}
    )
    assert read.facts.requirements == ("Bachelor degree.",)
    assert read.body == "Nights. Bachelor degree."
