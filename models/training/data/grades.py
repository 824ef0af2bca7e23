"""The rules of relevance: a grade from 0 to 4 for a posting, given what a query means. Pure.

1. Another family of occupations: 0.
2. Each wish is met (1), contradicted (0) or not mentioned (1/2).
3. The same family, another occupation: 1 where nothing is contradicted and something met, or nothing wished; else 0.
4. The same occupation, nothing contradicted: 4 where every wish is met, 3 where at least half of them, otherwise 2.
5. The same occupation, something contradicted: 1 where something is met, otherwise 0. Who asks for nights has no use
   for the right job by day.
"""

from models.training.data.truth import Constraint, GeneratedPosting, GeneratedQuery

__all__ = ["MAX_GRADE", "constraint_share", "grade"]

MAX_GRADE = 4

_HALF = 0.5
# Skills, certificates and perks do not exclude one another.
_NEVER_DENIED = frozenset({"skill", "cert", "perk"})


def grade(query: GeneratedQuery, posting: GeneratedPosting) -> int:
    """Relevance of the posting for the query, 0 (none) to 4 (all that was asked)."""
    if posting.family != query.family:
        return 0
    shares = [constraint_share(wish, posting) for wish in query.constraints]
    num_met, num_denied = shares.count(1.0), shares.count(0.0)
    if posting.occupation != query.occupation:
        return int(num_denied == 0 and (num_met > 0 or not shares))
    if num_denied:
        return int(num_met > 0)
    if num_met == len(shares):
        return MAX_GRADE
    return 3 if num_met >= len(shares) * _HALF else 2


def constraint_share(wish: Constraint, posting: GeneratedPosting) -> float:
    """1 where the posting meets the wish, 0 where it says otherwise, 1/2 where it does not say.

    Experience is what the searcher has: it meets every lower requirement. Pay is the least that the searcher takes, in
    thousands a year: the highest of the posting must reach it. Skills, certificates and perks do not exclude one
    another, so a posting that names others is silent about the one asked for.
    """
    stated = posting.values.get(wish.kind, frozenset())
    if not stated:
        return _HALF
    if wish.kind == "experience":
        return float(all(int(required) <= int(wish.value) for required in stated))
    if wish.kind == "pay":
        return float(any(int(highest) >= int(wish.value) for highest in stated))
    if wish.value in stated:
        return 1.0
    return _HALF if wish.kind in _NEVER_DENIED else 0.0
