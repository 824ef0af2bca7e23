"""Reading collection ``summaries`` from end to end, page by page, on one connection."""

import sqlite3

from schemas.documents import State
from store.ports import ScannedSummary

__all__ = ["page"]

# One range of the primary key's index. SQLite compares text by its UTF-8 bytes, which is the order of code points.
_PAGE = """
SELECT job_id, state, json_extract(document, '$.generation'), json_extract(document, '$.rev') FROM summaries
WHERE job_id > :after AND (expires_at_s IS NULL OR expires_at_s > :now_s) ORDER BY job_id LIMIT :page_size
"""


def page(connection: sqlite3.Connection, *, after: str, page_size: int, now_s: float) -> list[ScannedSummary]:
    """The documents that follow a job id.

    Each page is a read of its own: one long read would keep the write-ahead log from being moved into the file.

    Args:
        connection: Of the store file.
        after: The last job id of the page before; empty for the first.
        page_size: How many at most.
        now_s: Time, in seconds since the epoch: what has expired by then is left out.
    """
    values = {"after": after, "page_size": page_size, "now_s": now_s}
    rows = connection.execute(_PAGE, values).fetchall()
    return [ScannedSummary(job_id, State(state), generation, rev) for job_id, state, generation, rev in rows]
