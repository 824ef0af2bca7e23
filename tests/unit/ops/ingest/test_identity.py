"""Job ids of postings on web pages."""

import pytest

from ops.ingest.identity import page_job_id
from schemas.errors import InvalidInput

PAGE = "https://example.com/jobs/1"


@pytest.mark.parametrize(
    ("posting", "page_url", "is_only", "job_id"),
    [
        ({"identifier": "a", "@id": PAGE}, "", True, "a"),
        ({"identifier": {"@type": "PropertyValue", "value": 7}}, "", False, "7"),
        ({"identifier": {"@type": "PropertyValue", "name": "Acme"}, "url": PAGE}, "", False, PAGE),
        ({"identifier": "", "url": PAGE}, "", False, PAGE),
        ({"@id": "https://example.com/#job", "url": PAGE}, "", False, "https://example.com/#job"),
        ({"@id": "#job"}, PAGE, False, f"{PAGE}#job"),
        ({"@id": "#job", "url": PAGE}, "", False, PAGE),
        ({"@id": "_:b0", "url": "/jobs/2"}, PAGE, False, "https://example.com/jobs/2"),
        ({"@id": "urn:job:7"}, "", False, "urn:job:7"),
        ({"mainEntityOfPage": {"@type": "WebPage", "@id": PAGE}}, "", False, PAGE),
        ({"url": [PAGE, "https://example.com/other"]}, "", False, PAGE),
        ({"title": "Baker"}, PAGE, True, PAGE),
    ],
)
def test_the_id_is_the_first_that_can_be_used(posting, page_url, is_only, job_id):
    """Identifier, ``@id``, ``url``, page; what means something on its page only is made absolute or left out."""
    assert page_job_id(posting, page_url, is_only=is_only) == job_id


def test_a_long_address_becomes_its_digest():
    """Ids have 200 bytes; the digest is the same for the same address, and another for another."""
    ids = {page_job_id({"url": f"{PAGE}?{'x' * 300}{end}"}, "", is_only=True) for end in ("", "", "y")}
    assert len(ids) == 2
    assert all(job_id.startswith("url-") and len(job_id) == 36 for job_id in ids)


@pytest.mark.parametrize(
    ("posting", "page_url", "is_only"),
    [({}, "", True), ({"@id": "#job"}, "", True), ({"@id": "_:b0", "url": 7}, "", True), ({}, PAGE, False)],
)
def test_without_any_address_the_posting_is_refused_with_the_remedy(posting, page_url, is_only):
    """Two postings of one page cannot both have the page's address."""
    with pytest.raises(InvalidInput, match=r"give it `identifier`"):
        page_job_id(posting, page_url, is_only=is_only)
