"""Which arm a query belongs to: a pure function of the query, a salt and the challenger's share.

A query stands at a fixed place in [0, 1), and the challenger has the places below its share. So a larger share moves
queries from the champion to the challenger and none back, every process decides alike, and a repeated query finds the
scores that its arm has cached. With a third arm no rule without a memory has that property for all shares, so there
is one challenger.
"""

import hashlib

__all__ = ["is_challengers", "place_of"]

_BITS = 64


def place_of(query: str, salt: str) -> float:
    """Where the query stands, evenly spread over [0, 1).

    Args:
        query: Normalised, so that all its spellings stand together.
        salt: Another one deals the queries anew: two experiments one after the other are then independent.
    """
    digest = hashlib.blake2b(query.encode(), digest_size=_BITS // 8, key=hashlib.sha256(salt.encode()).digest())
    # 53 bits are what a float holds exactly: with more, the last places would round up to 1.
    return (int.from_bytes(digest.digest(), "big") >> (_BITS - 53)) / 2**53


def is_challengers(query: str, *, salt: str, share: float) -> bool:
    """Whether the query belongs to the challenger.

    Args:
        query: See :func:`place_of`.
        salt: Likewise.
        share: Of the queries, in [0, 1].
    """
    return place_of(query, salt) < share
