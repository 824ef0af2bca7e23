"""Postings of one saved web page: each readable one, and each script or posting that is refused, with the reason."""

from collections.abc import Iterator

from ops.ingest.html_page import decode_page, read_page
from ops.ingest.identity import page_job_id
from ops.ingest.items import Readable, Refused
from ops.ingest.jsonld import find_postings
from ops.ingest.mend import read_page_json
from schemas.errors import InvalidInput

__all__ = ["MAX_PAGE_BYTES", "read_page_postings"]

MAX_PAGE_BYTES = 16 * 1024 * 1024
"""Largest page that is read, unpacked."""


def read_page_postings(name: str, content: bytes) -> Iterator[Readable | Refused]:
    """The postings of a page's JSON-LD scripts, in order.

    Args:
        name: Of the file, for messages.
        content: The page.
    """
    page = read_page(decode_page(content))
    found: list[tuple[str, dict[str, object]]] = []
    broken: list[Refused] = []
    for number, script in enumerate(page.scripts, start=1):
        place = f"{name}:script {number}"
        try:
            postings = list(find_postings(read_page_json(script)))
        except ValueError as error:
            broken.append(Refused(place, f"not JSON: {str(error)[:200]}"))
            continue
        found += [(f"{place}:posting {at}", posting) for at, posting in enumerate(postings, start=1)]
    if not found and not broken:
        yield Refused(name, _nothing_found(len(page.scripts)))
    yield from broken
    for place, posting in found:
        try:
            yield Readable(place, page_job_id(posting, page.url, is_only=len(found) == 1), posting)
        except InvalidInput as error:
            yield Refused(place, str(error))


def _nothing_found(num_scripts: int) -> str:
    if num_scripts:
        return f"no JobPosting in its JSON-LD ({num_scripts} script{'s' * (num_scripts > 1)})"
    return "no `application/ld+json` script; microdata and RDFa are not read: save the page with its scripts"
