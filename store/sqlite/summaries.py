"""Collection ``summaries`` on one connection."""

import json
import sqlite3
from collections.abc import Sequence

from schemas.documents import SummaryDocument
from store.ports import Cas, StoredSummary
from store.sqlite.connection import transaction

__all__ = ["delete_expired", "get", "get_many", "is_current", "put"]

_LIVE = "(summaries.expires_at_s IS NULL OR summaries.expires_at_s > :now_s)"
_GET = f"SELECT document, cas FROM summaries WHERE job_id = :job_id AND {_LIVE}"  # noqa: S608 (constants only)
_IS_CURRENT = f"SELECT 1 FROM summaries WHERE job_id = :job_id AND cas = :cas AND {_LIVE}"  # noqa: S608 (constants only)
# CROSS JOIN fixes the order: one look-up by key for each wanted id, whatever the statistics say.
_GET_MANY = f"""
SELECT summaries.job_id, document FROM json_each(:job_ids) AS wanted
CROSS JOIN summaries ON summaries.job_id = wanted.value WHERE {_LIVE}
"""  # noqa: S608 (constants only)
_INSERT = """
INSERT INTO summaries (job_id, cas, state, expires_at_s, document)
SELECT :job_id, value + 1, :state, :expires_at_s, :document FROM write_counter WHERE true
ON CONFLICT (job_id) DO UPDATE
SET cas = excluded.cas, state = excluded.state, expires_at_s = excluded.expires_at_s, document = excluded.document
WHERE summaries.expires_at_s <= :now_s
"""
_REPLACE = f"""
UPDATE summaries
SET cas = (SELECT value + 1 FROM write_counter), state = :state, expires_at_s = :expires_at_s, document = :document
WHERE job_id = :job_id AND cas = :cas AND {_LIVE}
"""  # noqa: S608 (constants only)


def get(connection: sqlite3.Connection, job_id: str, *, now_s: float) -> StoredSummary | None:
    """See ``SummaryStore.get``."""
    row = connection.execute(_GET, {"job_id": job_id, "now_s": now_s}).fetchone()
    return StoredSummary(SummaryDocument.model_validate_json(row[0]), Cas(row[1])) if row else None


def is_current(connection: sqlite3.Connection, job_id: str, *, cas: Cas, now_s: float) -> bool:
    """See ``SummaryStore.is_current``."""
    return connection.execute(_IS_CURRENT, {"job_id": job_id, "cas": cas, "now_s": now_s}).fetchone() is not None


def get_many(connection: sqlite3.Connection, job_ids: Sequence[str], *, now_s: float) -> dict[str, SummaryDocument]:
    """See ``SummaryStore.get_many``. One statement, so all documents are of one moment."""
    rows = connection.execute(_GET_MANY, {"job_ids": json.dumps(list(dict.fromkeys(job_ids))), "now_s": now_s})
    return {job_id: SummaryDocument.model_validate_json(document) for job_id, document in rows.fetchall()}


def put(
    connection: sqlite3.Connection,
    document: SummaryDocument,
    *,
    cas: Cas | None,
    expires_at_s: float | None,
    now_s: float,
) -> Cas | None:
    """See ``SummaryStore.put``."""
    values = {
        "job_id": document.job_id,
        "cas": cas,
        "state": document.state,
        "expires_at_s": expires_at_s,
        "document": document.model_dump_json(),
        "now_s": now_s,
    }
    with transaction(connection):
        if connection.execute(_INSERT if cas is None else _REPLACE, values).rowcount == 0:
            return None
        (new_cas,) = connection.execute("UPDATE write_counter SET value = value + 1 RETURNING value").fetchone()
    return Cas(new_cas)


def delete_expired(connection: sqlite3.Connection, *, now_s: float) -> int:
    """Remove what no read returns any more.

    Returns:
        How many documents were removed.
    """
    return connection.execute("DELETE FROM summaries WHERE expires_at_s <= ?", (now_s,)).rowcount
