"""Posting and summary of a job that is there, written together on one connection."""

import sqlite3

from schemas.documents import PostingDocument, SummaryDocument
from store.ports import Cas
from store.sqlite import postings, summaries
from store.sqlite.connection import transaction

__all__ = ["put_live"]


def put_live(
    connection: sqlite3.Connection,
    document: SummaryDocument,
    posting: PostingDocument | None,
    *,
    cas: Cas | None,
    now_s: float,
) -> Cas | None:
    """See ``LiveStore.put_live``. One transaction: nothing is seen between the two."""
    with transaction(connection):
        if posting is not None:
            postings.put_posting(connection, posting)
        elif not postings.raise_posting(
            connection, document.job_id, posting_hash=document.posting_hash, source_version=document.source_version
        ):
            return None
        return summaries.put(connection, document, cas=cas, expires_at_s=None, now_s=now_s)
