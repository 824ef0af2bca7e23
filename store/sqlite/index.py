"""Full-text search over stored postings, header and body, by FTS5 on one connection."""

import json
import sqlite3
import unicodedata
from collections.abc import Sequence

from store.ports import Hit

__all__ = ["bm25", "match_expression", "search"]

_MAX_WORDS = 64
"""Different words of a query that are searched for; the ranker reads no more than 48 tokens of it."""

# FTS5's bm25() is better the lower it is, and below 0 for every match.
_SEARCH = """
SELECT postings.job_id, -bm25(posting_text) AS score FROM posting_text
JOIN postings ON postings.id = posting_text.rowid
LEFT JOIN summaries ON summaries.job_id = postings.job_id
WHERE posting_text MATCH :words AND coalesce(summaries.state, '') <> 'deleted'
ORDER BY score DESC, postings.job_id LIMIT :limit
"""
_BM25 = """
SELECT postings.job_id, -bm25(posting_text) FROM posting_text JOIN postings ON postings.id = posting_text.rowid
WHERE posting_text MATCH :words AND postings.job_id IN (SELECT value FROM json_each(:job_ids))
"""


def match_expression(query: str) -> str:
    """The query as an FTS5 expression: any of its words; empty where it has none.

    Words are runs of letters, marks and numbers, as the index's own tokenizer (unicode61) sees them, and quoted, so
    that no text of a user is an operator.
    """
    words = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in query).split()
    return " OR ".join(f'"{word}"' for word in list(dict.fromkeys(words))[:_MAX_WORDS])


def search(connection: sqlite3.Connection, query: str, *, limit: int) -> list[Hit]:
    """See ``PostingIndex.search``."""
    words = match_expression(query)
    if not words or limit <= 0:
        return []
    rows = connection.execute(_SEARCH, {"words": words, "limit": limit}).fetchall()
    return [Hit(job_id, score) for job_id, score in rows]


def bm25(connection: sqlite3.Connection, query: str, job_ids: Sequence[str]) -> dict[str, float]:
    """See ``PostingIndex.bm25``."""
    scores = dict.fromkeys(job_ids, 0.0)
    if words := match_expression(query):
        scores.update(connection.execute(_BM25, {"words": words, "job_ids": json.dumps(list(scores))}).fetchall())
    return scores
