"""The job id of a posting that stands on a web page."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from schemas.errors import InvalidInput
from schemas.posting import MAX_JOB_ID_BYTES, JobId, job_id_of

__all__ = ["page_job_id"]

_LINKS = ("@id", "url", "mainEntityOfPage")


def page_job_id(posting: Mapping[str, Any], page_url: str, *, is_only: bool) -> JobId:
    """The id: its `identifier`; else `@id`, else `url`, made absolute; else the page's address where it is alone there.

    An `@id` that means something on its page only (``#job``, ``_:b0``) is made absolute by the page's address, and is
    no id where the page says none. An address over the limit of ids becomes ``url-`` and 32 digits of its SHA-256.

    Args:
        posting: The posting.
        page_url: Address of the page; empty where unknown.
        is_only: Whether the page has no other posting.

    Raises:
        InvalidInput: None of them can be used; the message says what to add.
    """
    if "identifier" in posting:
        try:
            return job_id_of({"identifier": posting["identifier"]})
        except InvalidInput:
            if not any(_link(posting.get(name)) for name in _LINKS) and not (is_only and page_url):
                raise
    for name in _LINKS:
        link = _link(posting.get(name))
        if link.startswith("_:"):
            continue
        address = urljoin(page_url, link) if link else ""
        if urlsplit(address).scheme:
            return _address_id(address)
    if is_only and page_url:
        return _address_id(page_url)
    raise InvalidInput(
        "posting has no identifier, and neither `@id` nor `url` is an absolute address: "
        'give it `identifier`, or give the page `<link rel="canonical" href="...">`',
        field="identifier",
    )


def _link(value: Any) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping):
        value = value.get("@id") or value.get("url")
    return value.strip() if isinstance(value, str) else ""


def _address_id(address: str) -> JobId:
    if len(address.encode(errors="replace")) > MAX_JOB_ID_BYTES:
        address = f"url-{hashlib.sha256(address.encode(errors='replace')).hexdigest()[:32]}"
    return job_id_of({"identifier": address})
