"""Finding postings in JSON-LD documents."""

import pytest

from ops.ingest.jsonld import find_postings

A = {"@type": "JobPosting", "title": "Baker", "identifier": "a"}
B = {"@type": "JobPosting", "title": "Cook", "identifier": "b"}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (A, [A]),
        ([A, B], [A, B]),
        ([[A], [B]], [A, B]),
        ({"@context": "https://schema.org", "@graph": [{"@type": "Organization"}, A, B]}, [A, B]),
        ({"@graph": A}, [A]),
        ({"@type": "WebPage", "mainEntity": A}, [A]),
        (
            {
                "@type": "ItemList",
                "itemListElement": [{"@type": "ListItem", "item": A}, {"@type": "ListItem", "item": B}],
            },
            [A, B],
        ),
        ({"@type": "WebPage", "about": [{"hasPart": {"mainEntity": A}}], "mainEntity": B}, [A, B]),
        ({"@type": "Organization", "name": "Acme"}, []),
        ("JobPosting", []),
        (None, []),
        (7, []),
        ([], []),
        ({"@type": 7, "@graph": "JobPosting"}, []),
        ({"@type": {"@id": "JobPosting"}, "mainEntity": A}, [A]),
    ],
)
def test_postings_are_found_wherever_they_stand(document, found):
    """Alone, in lists, in a graph, nested; in the order of the document; odd types do no harm."""
    assert list(find_postings(document)) == found


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        (["JobPosting", "Thing"], ["JobPosting", "Thing"]),
        ("http://schema.org/JobPosting", "JobPosting"),
        ("https://schema.org/JobPosting", "JobPosting"),
        ("schema:JobPosting", "JobPosting"),
        (["https://schema.org/JobPosting", 7], ["JobPosting", 7]),
    ],
)
def test_types_may_be_lists_or_addresses(kinds, kept):
    """The nearline service knows the short name alone, so that is what is handed on."""
    (posting,) = find_postings({"@type": kinds, "schema:title": "Baker", "http://schema.org/skills": "bread", "x": 1})
    assert posting == {"@type": kept, "title": "Baker", "skills": "bread", "x": 1}


def test_other_types_that_look_alike_are_left_alone():
    """``JobPostingList`` is no posting."""
    assert list(find_postings([{"@type": "JobPostingList"}, {"@type": "jobposting"}, {"@type": "x:JobPosting"}])) == []


def test_a_mention_is_no_posting():
    """A list of links says where postings are, not what they say."""
    mention = {"@type": "JobPosting", "@id": "https://example.com/1", "name": "Baker"}
    assert list(find_postings([mention, {"@type": "JobPosting", "url": "https://example.com/1"}, A])) == [A]
    short = {"@type": "JobPosting", "name": "Baker"}
    assert list(find_postings(short)) == [short]


def test_what_stands_inside_a_posting_is_its_own():
    """A related posting within a posting belongs to its text."""
    outer = {**A, "relatedTo": B}
    assert list(find_postings(outer)) == [outer]


def test_depth_is_bounded():
    """Nesting beyond any real page is not followed, and does not end the process."""
    document = A
    for _ in range(5_000):
        document = {"mainEntity": document}
    assert list(find_postings(document)) == []
