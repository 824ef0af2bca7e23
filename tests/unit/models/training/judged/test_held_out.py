"""What no training may see of the occupations that are asked for."""

from models.training.judged import Item, JudgedSet, Ranking
from models.training.judged.held_out import asked_occupations_slice, is_never_taught, judged_runs, without_wordings
from models.training.judged.melo import title_item
from models.training.judged.titles import OccupationTitles


def judged(query: str, title: str) -> JudgedSet:
    items: dict[str, Item] = {"a": title_item("a", title)}
    return JudgedSet("ads", "ads", items, [Ranking(query, ("a",), (1,))], is_real=True)


ROW = {
    "onet_code": "13-2011.00",
    "title": "Accountants and Auditors",
    "alternate_titles": ["Accountant", "Staff Accountant", "Cost Accountants", "Tax Auditor"],
    "reported_titles": ["Auditor-in-Charge"],
    "tasks": ["Keep books."],
}


def test_a_wording_is_judged_where_it_stands_in_a_query_or_in_a_title() -> None:
    """Plurals and case are no difference; a part of the wording is no match, the whole within more words is."""
    runs = judged_runs([judged("cost accountant in leeds", "Senior Staff Accountant (m/f)")])
    left = without_wordings(ROW, runs)
    assert left is not None
    assert left["alternate_titles"] == ["Tax Auditor"]
    assert (left["title"], left["reported_titles"]) == ("Accountants and Auditors", ["Auditor-in-Charge"])
    assert left["tasks"] == ROW["tasks"]


def test_the_first_wording_that_is_left_takes_the_place_of_a_judged_title() -> None:
    """And an occupation of which none is left is no row."""
    runs = judged_runs([judged("accountants and auditors", "Accountant")])
    left = without_wordings(ROW, runs)
    assert left is not None
    assert left["title"] == "Staff Accountant"
    assert without_wordings({"onet_code": "x", "title": "Accountant"}, runs) is None


def test_grades_still_know_the_wordings_that_are_not_taught() -> None:
    """A title of the lessons that another occupation lists is graded as what it is."""
    whole = OccupationTitles.from_rows([ROW])
    left = without_wordings(ROW, judged_runs([judged("staff accountant", "Chef")]))
    assert left is not None
    titles = whole.as_worded_by([left])
    assert "Staff Accountant" not in titles.clear_wordings("13-2011.00")
    assert "Tax Auditor" in titles.clear_wordings("13-2011.00")
    assert titles.occupations_of("Staff Accountant") == {"13-2011.00"}


def test_about_a_third_of_the_occupations_is_never_taught() -> None:
    """Which ones follows from their codes alone, and the slices say so."""
    codes = [f"{major}-{minor}.00" for major in range(11, 30) for minor in range(1000, 1050)]
    never = [code for code in codes if is_never_taught(code)]
    assert 0.28 < len(never) / len(codes) < 0.39
    assert {asked_occupations_slice(code) for code in never} == {"occupation: never taught"}
    assert len({asked_occupations_slice(code) for code in codes}) == 2
