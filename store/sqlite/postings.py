"""Collection ``postings`` on one connection; its full-text index changes in the same transaction."""

import re
import sqlite3

from schemas.documents import PostingDocument
from store.sqlite.connection import transaction

__all__ = ["get_posting", "put_posting", "raise_posting", "remove_posting"]

_PUT = """
INSERT INTO postings (job_id, source_version, posting_hash, document)
VALUES (:job_id, :source_version, :posting_hash, :document)
ON CONFLICT (job_id) DO UPDATE
SET source_version = excluded.source_version, posting_hash = excluded.posting_hash, document = excluded.document
WHERE excluded.source_version >= postings.source_version
RETURNING id
"""
# The column is what counts: the text of the document keeps the version that it was written with, since a version alone
# changes one page of the file where a document is several.
_GET = "SELECT json_set(document, '$.source_version', source_version) FROM postings WHERE job_id = ?"
_RAISE = """
UPDATE postings SET source_version = :source_version
WHERE job_id = :job_id AND posting_hash = :posting_hash AND source_version <= :source_version
"""

# As headers have it. A day is no search term, and posts that are only dated anew would each be indexed anew: that takes
# longer than all the rest of a write.
_POSTED = re.compile(r" \| posted \d{4}-\d{2}-\d{2}\b")


def get_posting(connection: sqlite3.Connection, job_id: str) -> PostingDocument | None:
    """See ``PostingStore.get_posting``."""
    row = connection.execute(_GET, (job_id,)).fetchone()
    return PostingDocument.model_validate_json(row[0]) if row else None


def put_posting(connection: sqlite3.Connection, document: PostingDocument) -> bool:
    """See ``PostingStore.put_posting``."""
    values = {
        "job_id": document.job_id,
        "source_version": document.source_version,
        "posting_hash": document.posting_hash,
        "document": document.model_dump_json(),
    }
    with transaction(connection):
        rows = connection.execute(_PUT, values).fetchall()
        if not rows:
            return False
        header = _POSTED.sub("", document.header, count=1)
        _index(connection, rows[0][0], f"{header}\n{document.body}")
    return True


def raise_posting(connection: sqlite3.Connection, job_id: str, *, posting_hash: str, source_version: int) -> bool:
    """Give the stored posting a higher version.

    Returns:
        False where it is gone, is another one, or has a higher version already.
    """
    values = {"job_id": job_id, "posting_hash": posting_hash, "source_version": source_version}
    return connection.execute(_RAISE, values).rowcount > 0


def _index(connection: sqlite3.Connection, row_id: int, text: str) -> None:
    # Reading a text is far cheaper than indexing it, and most versions of a posting change none of its words.
    if connection.execute("SELECT text FROM posting_text WHERE rowid = ?", (row_id,)).fetchone() != (text,):
        connection.execute("INSERT OR REPLACE INTO posting_text (rowid, text) VALUES (?, ?)", (row_id, text))


def remove_posting(connection: sqlite3.Connection, job_id: str, *, up_to_version: int) -> None:
    """See ``PostingStore.remove_posting``."""
    with transaction(connection):
        rows = connection.execute(
            "DELETE FROM postings WHERE job_id = ? AND source_version <= ? RETURNING id", (job_id, up_to_version)
        ).fetchall()
        connection.executemany("DELETE FROM posting_text WHERE rowid = ?", rows)
