"""Which occupations a title may mean."""

import pytest

from models.training.judged.titles import OccupationTitles, title_words

ROWS = [
    {
        "onet_code": "15-1252.00",
        "title": "Software Developers",
        "alternate_titles": ["Application Developer", "Engineer", "Developer", "Systems Analyst"],
        "related": ["15-1211.00"],
    },
    {
        "onet_code": "15-1211.00",
        "title": "Computer Systems Analysts",
        "alternate_titles": ["Systems Analyst", "Engineer", "Information Systems Analyst (ISA)"],
    },
    {"onet_code": "17-2051.00", "title": "Civil Engineers", "alternate_titles": ["Engineer", "Bridge Engineer"]},
    {"onet_code": "17-2051.01", "title": "Transportation Engineers", "alternate_titles": ["Engineer"]},
]
TITLES = OccupationTitles.from_rows(ROWS)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Software Developers (m/f)", ("software", "developer")),
        ("C# / C++ Engineers", ("c#", "c++", "engineer")),
        ("Business Class", ("business", "class")),  # no plural s at "ss"; short words stay
        ("GIS", ("gis",)),
    ],
)
def test_words_of_a_title(title: str, words: tuple[str, ...]) -> None:
    """Brackets, case and plurals do not matter."""
    assert title_words(title) == words


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("application developer", {"15-1252.00"}),
        ("Senior Application Developer II", {"15-1252.00"}),  # without words of rank
        ("Junior Bridge Engineer - Rail, Leeds", {"17-2051.00"}),  # the longest run that is known
        ("Systems Analyst", {"15-1252.00", "15-1211.00"}),
        ("Engineer", set()),  # four occupations: says too little
        ("Marketing Guru", set()),
        ("Happy Developer", set()),  # a run of one word is not enough
        ("", set()),
    ],
)
def test_a_title_means_the_occupations_that_list_it(title: str, codes: set[str]) -> None:
    """Whole title, then without rank, then the longest run of two words or more; more than three are no answer."""
    assert TITLES.occupations_of(title) == codes


def test_relatives_are_those_of_onet_and_of_the_same_soc_code() -> None:
    """Related one way only where O*NET says it one way only."""
    assert TITLES.is_related("15-1252.00", ["15-1211.00"])
    assert not TITLES.is_related("15-1211.00", ["15-1252.00"])
    assert TITLES.is_related("17-2051.00", ["17-2051.01"])
    assert not TITLES.is_related("17-2051.00", ["15-1211.00"])


def test_a_clear_wording_names_one_occupation_only() -> None:
    """Shared titles, single words and titles with brackets are left out; foreign wordings are checked likewise."""
    assert TITLES.clear_wordings("15-1252.00") == ["Application Developer"]
    assert TITLES.clear_wordings("15-1211.00", ["bridge engineer", "IT analyst"]) == ["IT analyst"]
