"""What an upsert says: the posting, read and hashed. Pure; tokens come in later."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.canonical import content_hash, posting_hash
from schemas.posting import Facts, read_posting

__all__ = ["Content", "read_content"]


@dataclass(frozen=True, slots=True)
class Content:
    """A posting and its identities.

    Attributes:
        posting: As it came.
        facts: What the header is made of.
        body: What is summarised; may be empty.
        valid_through: When the posting expires, UTC; None where it does not say.
        content_hash: Identity of the body.
        posting_hash: Identity of the posting as a whole.
    """

    posting: dict[str, Any]
    facts: Facts
    body: str
    valid_through: datetime | None
    content_hash: str
    posting_hash: str


def read_content(posting: Mapping[str, Any]) -> Content:
    """Read a posting.

    Raises:
        InvalidInput: It is not a posting that can be served.
    """
    raw = dict(posting)
    read = read_posting(raw)
    return Content(
        posting=raw,
        facts=read.facts,
        body=read.body,
        valid_through=read.valid_through,
        content_hash=content_hash(read.body),
        posting_hash=posting_hash(raw),
    )
