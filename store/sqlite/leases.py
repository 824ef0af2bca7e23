"""Leases of scores that are being computed, on one connection: a row an item version of a query."""

import json
import sqlite3
from collections.abc import Sequence

from store.sqlite.connection import transaction

__all__ = ["delete_ended", "lead", "release"]

_TAKE = """
INSERT INTO score_leases (fingerprint, item_version, holder, ends_at_s)
SELECT ?1, value, ?2, ?3 FROM json_each(?4) WHERE true
ON CONFLICT (fingerprint, item_version) DO UPDATE SET holder = excluded.holder, ends_at_s = excluded.ends_at_s
WHERE score_leases.holder = excluded.holder OR score_leases.ends_at_s <= ?5
"""
_OTHERS = """
SELECT item_version, ends_at_s FROM json_each(?1) AS wanted
CROSS JOIN score_leases ON fingerprint = ?2 AND item_version = wanted.value
WHERE holder <> ?3
"""
_RELEASE = """
DELETE FROM score_leases
WHERE fingerprint = ? AND holder = ? AND item_version IN (SELECT value FROM json_each(?))
"""


def lead(
    connection: sqlite3.Connection,
    fingerprint: str,
    item_versions: Sequence[str],
    *,
    holder: str,
    ttl_s: float,
    now_s: float,
) -> dict[str, float]:
    """See ``ScoreLeases.lead``. One transaction, so there is nothing to lose."""
    wanted = json.dumps(list(item_versions))
    with transaction(connection):
        connection.execute(_TAKE, (fingerprint, holder, now_s + ttl_s, wanted, now_s))
        others = connection.execute(_OTHERS, (wanted, fingerprint, holder)).fetchall()
    return {item_version: ends_at_s - now_s for item_version, ends_at_s in others}


def release(connection: sqlite3.Connection, fingerprint: str, item_versions: Sequence[str], *, holder: str) -> None:
    """See ``ScoreLeases.release``."""
    connection.execute(_RELEASE, (fingerprint, holder, json.dumps(list(item_versions))))


def delete_ended(connection: sqlite3.Connection, *, now_s: float) -> None:
    """Remove what nobody released: its holder died."""
    connection.execute("DELETE FROM score_leases WHERE ends_at_s <= ?", (now_s,))
