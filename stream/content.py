"""What an upsert says: the posting, read and hashed. Pure; tokens come in later.

Most of what publishers send again is byte for byte what they sent before. Of such a posting all is known, and it is not
read again (see :func:`read_content`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.canonical import content_hash, posting_hash
from schemas.documents import State, SummaryDocument
from schemas.posting import READING, Posting, read_posting

__all__ = ["Content", "read_content"]


@dataclass(frozen=True, slots=True)
class Content:
    """A posting and its identities.

    Attributes:
        posting: As it came.
        posting_hash: Identity of the posting as a whole.
        content_hash: Identity of the body.
        reading: What was read from it; None where the stored document has all of it.
    """

    posting: dict[str, Any]
    posting_hash: str
    content_hash: str
    reading: Posting | None

    @property
    def read(self) -> Posting:
        """What was read from it."""
        assert self.reading is not None, "a posting that is stored already is not read again"
        return self.reading


def read_content(posting: Mapping[str, Any], stored: SummaryDocument | None = None) -> Content:
    """Read a posting.

    Args:
        posting: As it came.
        stored: The job's document, where it may save the reading: one that is live and fresh, for only then nothing but
            its version is to be written.

    Raises:
        InvalidInput: It is not a posting that can be served.
    """
    raw = dict(posting)
    digest = posting_hash(raw)
    is_fresh = stored is not None and stored.state is State.FRESH and stored.reading == READING
    if stored is not None and is_fresh and stored.posting_hash == digest:
        return Content(raw, digest, stored.content_hash, None)
    read = read_posting(raw)
    return Content(raw, digest, content_hash(read.body), read)
