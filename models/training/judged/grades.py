"""The grade of a real ad for a query, 0 to 4, as the generator grades its own postings. Pure.

1. Each wish has a share: 1 where the ad answers it, 0 where it says otherwise, 1/2 where it does not say. The share of
   the query is their mean, 1 without wishes.
2. Another occupation: 0.
3. A related occupation: 1 where the share is at least 1/2, otherwise 0.
4. The same occupation (one of those that the ad's title may mean): 4 where every wish is answered; 3 from a share of
   2/3; 2 from 1/3; otherwise 1.
"""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

__all__ = ["Kinship", "grade_of"]


class Kinship(StrEnum):
    """How the occupation of an ad stands to the one that a query means."""

    SAME = "same"
    RELATED = "related"
    NONE = "none"


def grade_of(kinship: Kinship, shares: Sequence[Fraction]) -> int:
    """Grade by the rules above.

    Args:
        kinship: Of the ad's occupation.
        shares: One for each wish: 0, 1/2 or 1. Fractions, since 2/3 has no exact float.
    """
    share = sum(shares, Fraction()) / len(shares) if shares else Fraction(1)
    if kinship is Kinship.NONE:
        return 0
    if kinship is Kinship.RELATED:
        return int(share >= Fraction(1, 2))
    if share == 1:
        return 4
    if share >= Fraction(2, 3):
        return 3
    return 2 if share >= Fraction(1, 3) else 1
